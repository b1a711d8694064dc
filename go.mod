module github.com/deploy-kernel/deploy-kernel

go 1.26
