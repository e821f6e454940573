package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
)

// confirm asks a question on the terminal; anything but y or yes is no.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprint(a.errOut, question+" [y/N] ")
	// so that the reader, which nothing can wake, ends with the process and not before
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // what ends early is no yes
		typed <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-typed:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(a.errOut)
		return false, exit.Failedf("interrupted; nothing was changed")
	}
}
