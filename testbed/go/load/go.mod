module fedmesh.dev/testbed/load

go 1.26.0
