module fedmesh.dev/testbed/httpbin

go 1.26.0
