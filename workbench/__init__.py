"""Everything that works on the program without deploying it, behind one command line (`python -m workbench`).

Belongs here: the offline plan; later the local cluster and the simulator. Reads settings and the graph, never the
inside of a component. Nothing imports this room.
"""
