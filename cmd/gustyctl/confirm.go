package main

import (
	"bufio"
	"fmt"
	"strings"
)

// confirm asks a question on the terminal; anything but y or yes is no.
func (a *app) confirm(question string) (bool, error) {
	fmt.Fprint(a.errOut, question+" [y/N] ")
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && answer == "" {
		return false, failedf("no answer could be read: %w", err)
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
