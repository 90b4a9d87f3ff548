"""An HTTP endpoint as a target: what is asked of it, how its answer is read, and the calls themselves."""
