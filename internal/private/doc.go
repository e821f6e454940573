// Package private makes the files and directories that nobody but the agent and the administrators
// may read or change: the data directory, keys, passwords, the database, and what is exported with
// secrets.
//
// On Unix that is a mode, 0700 and 0600, which the callers name. On Windows modes mean nothing:
// there each file is made with an access list of its own, handed to the very call that makes it, so
// that there is no moment at which it could be opened by others. The list is protected, which means
// that it takes nothing from the directory above (%ProgramData% lets every user read), and has
// these entries:
//
//   - the system (S-1-5-18) and the administrators (S-1-5-32-544);
//   - the account of the service gusty: its virtual account NT SERVICE\gusty, whose SID follows
//     from the name, and the account that the service is registered with, so that what an
//     administrator makes by gustyctl can be read by the service;
//   - the process's own user, where it is not an administrator.
//
// These are the trusted accounts, and the only owners that are accepted: who owns a file can always
// change its list. Whatever exists already is opened first and then looked at by its handle, so
// that it is the same file that is used.
package private

// ServiceName is the name under which the agent is a Windows service.
const ServiceName = "gusty"
