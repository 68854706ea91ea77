"""The library of material that may be sent: versions, approval, tags."""
