"""Measuring QuickPoll beside what one would write instead. See README.md in this folder."""
