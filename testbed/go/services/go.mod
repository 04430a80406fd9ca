module fedmesh.dev/testbed/services

go 1.26.0
