module medinfer/cluster/upload

go 1.26.0
