"""Where the time of a step goes: phases, operations, and what the machine could do."""
