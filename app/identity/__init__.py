"""ONE ID: identifiers, the evidence that links them, and the physicians that result."""
