"""What commands do, a module a family; loaded when one of its commands runs."""
