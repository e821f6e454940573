// Package ctl runs the real gustyctl against the real gustyd, as a person types it. What needs no
// agent of its own is tested in cmd/gustyctl, against a fake one.
package ctl
