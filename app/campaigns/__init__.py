"""Scheduled pushes of content to a segment, and the schedules that wake them and the day plan."""
