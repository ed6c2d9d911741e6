"""Reading a unit from outside: replaying recorded cases, and reports."""
