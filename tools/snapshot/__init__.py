"""The tool that makes the catalog which a release of provision bundles."""
