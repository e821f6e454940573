package persistence

// initialMapBytes stays 0: Windows grows the file to what is mapped.
const initialMapBytes = 0
