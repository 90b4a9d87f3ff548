"""What Tinman knows about failure without an LLM: probes, cases, diagnosis, remedies."""
