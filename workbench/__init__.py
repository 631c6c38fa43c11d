"""Everything that works on the program without a cloud, behind one command line (`python -m workbench`).

Belongs here: the offline plan, the local cluster, a stack on it; later the simulator. Reads settings and the graph,
never the inside of a component. Nothing imports this room.
"""
