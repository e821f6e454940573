// Package format holds a reader of the store that was written from docs/storage.md alone, and
// shares no code with package persistence: its tests show that the page is enough to read a store
// by, and fail where page and code come apart.
package format
