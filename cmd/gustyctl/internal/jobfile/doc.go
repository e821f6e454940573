// Package jobfile reads and writes jobs as files: one YAML file each, with its script beside it.
package jobfile
