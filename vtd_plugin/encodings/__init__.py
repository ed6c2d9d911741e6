"""Every bit layout of the architecture, once: registers, memory structures, fault and error codes.

Chapters 8, 9 and 11, and the descriptors and messages of chapters 5, 6 and 7. Nothing here
behaves; modules are imported by name, so that who needs one table does not load the others.
"""
