// Package sqlite writes and reads the agent's rows as SQLite files: the form in which the Rust
// agent keeps them, and in which they can be looked at with any tool. Only the command line links
// it.
//
// A file comes in two forms: plain, and as the Rust agent leaves it on disk, with 2 subtracted from
// every byte (modulo 256). Writer makes both, Read tells them apart by the file's first bytes.
//
// What is written is always whole: a file takes its name when everything is in it, was checked by
// SQLite, and is on the disk.
//
// What is read may be hostile. SQLite gets to see it through a file system that has nothing but
// that file and can write nothing, with bounded memory and time, and only after its header and its
// schema were looked at: tables that are no tables of an agent's file, views, triggers, indexes and
// computed columns are refused before any row is read, and no value is loaded before its size is
// known.
package sqlite
