"""The maker of the catalog that a release of provision brings along."""
