package boltfile

// ReleaseEvery is how many rows a scan reads before it gives the map's pages back.
const ReleaseEvery = 4096
