"""Stand-ins for the libraries of systems that the tests don't run on.

They import nothing of the package (`dump_pages`, which reads dumps, does). Their functions are
real C function pointers with the prototypes of the system's documentation, and they fill
buffers byte by byte at the documented offsets: a wrong size, offset or argument on the other
side goes wrong here as it would there.
"""
