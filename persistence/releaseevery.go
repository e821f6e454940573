package persistence

// releaseEvery is how many rows a scan reads before it gives the map's pages back.
const releaseEvery = 4096
