# Written by `provision export nix` from a lock file. Do not edit it.
{ fetchurl }:
{
  "debug" = {
    pname = "cpython";
    version = "3.14.7";
    build = "20260814";
    freethreaded = true;
    src = {
      "x86_64-linux" = fetchurl {
        name = "cpython-3.14.7+20260814-x86_64-unknown-linux-gnu-freethreaded+debug-full.tar.zst";
        url = "https://example.com/20260814/cpython-3.14.7%2B20260814-x86_64-unknown-linux-gnu-freethreaded+debug-full.tar.zst";
        hash = "sha256-/SzP4aOZRn0qfUGZgTDOv42s1PS+ouHVjl+42FLpl8U=";
      };
    };
  };
  "default" = {
    pname = "cpython";
    version = "3.14.7";
    build = "20260814";
    freethreaded = false;
    src = {
      "x86_64-linux" = fetchurl {
        name = "cpython-3.14.7+20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.14.7%2B20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        hash = "sha256-rH1NvZcB3Y0tXGu3dsDFde2GypH5WCbmaypAWZGwbcE=";
      };
      "aarch64-linux" = fetchurl {
        name = "cpython-3.14.7+20260814-aarch64-unknown-linux-gnu-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.14.7%2B20260814-aarch64-unknown-linux-gnu-install_only_stripped.tar.gz";
        hash = "sha256-z4kjfGh6hr92XAqYQaC0RLIQ41YLGWn5627GcD2nz6I=";
      };
      "aarch64-darwin" = fetchurl {
        name = "cpython-3.14.7+20260814-aarch64-apple-darwin-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.14.7%2B20260814-aarch64-apple-darwin-install_only_stripped.tar.gz";
        hash = "sha256-ig+qPrzR8DENGN2aVfDUZl47d4jFZPM3DST4Ui4y9Mo=";
      };
    };
  };
  "fast" = {
    pname = "cpython";
    version = "3.13.15";
    build = "20260814";
    freethreaded = false;
    src = {
      "x86_64-linux" = fetchurl {
        name = "cpython-3.13.15+20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.13.15%2B20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        hash = "sha256-Rs27+tdgrnGF/aSpK46GZYXqk308xG/b8Z0Kw/3hCLE=";
      };
    };
  };
  "free" = {
    pname = "cpython";
    version = "3.14.7";
    build = "20260814";
    freethreaded = true;
    src = {
      "x86_64-linux" = fetchurl {
        name = "cpython-3.14.7+20260814-x86_64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.14.7%2B20260814-x86_64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz";
        hash = "sha256-37vyy8x/qzoYAfN2kURAOcSRlU9KYqDAQyBdzEnKjSg=";
      };
    };
  };
  "next.one" = {
    pname = "cpython";
    version = "3.15.0rc1";
    build = "20260814";
    freethreaded = false;
    src = {
      "x86_64-darwin" = fetchurl {
        name = "cpython-3.15.0rc1+20260814-x86_64-apple-darwin-install_only_stripped.tar.gz";
        url = "https://example.com/20260814/cpython-3.15.0rc1%2B20260814-x86_64-apple-darwin-install_only_stripped.tar.gz";
        hash = "sha256-lAa3TJl1OWqVP/eJWN3s8QAWr5r4cigHJlOm4ajSZSw=";
      };
    };
  };
  "old" = {
    pname = "cpython";
    version = "3.14.7";
    build = "20260101";
    freethreaded = false;
    src = {
      "x86_64-linux" = fetchurl {
        name = "cpython-3.14.7+20260101-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        url = "https://example.com/20260101/cpython-3.14.7%2B20260101-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz";
        hash = "sha256-MliS341cfMpcQ68QS6mjRStaPCMPWUnx+zpcrhC7ZYg=";
      };
    };
  };
  "pypy" = {
    pname = "pypy";
    version = "3.11.15";
    build = "7.3.20";
    freethreaded = false;
    src = {
      "x86_64-linux" = fetchurl {
        name = "pypy-3.11.15+7.3.20-x86_64-unknown-linux-gnu-install_only.tar.gz";
        url = "https://example.com/7.3.20/pypy-3.11.15%2B7.3.20-x86_64-unknown-linux-gnu-install_only.tar.gz";
        hash = "sha256-WkqGlICsrwMHkOZ5ztrsITZALtEZ65pXNWY5c243/vU=";
      };
    };
  };
}
