module medinfer/cluster/pause

go 1.26.0
