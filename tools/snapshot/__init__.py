"""The tool that makes the catalog that a release of provision bundles."""
