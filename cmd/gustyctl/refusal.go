package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// refusalBody is the agent's one shape of errors.
type refusalBody struct {
	Message   string        `json:"message"`
	Code      messages.Code `json:"code"`
	Field     string        `json:"field"`
	RequestID string        `json:"request_id"`
}

// refusal turns an answer of 300 and above into an error: one of the client's making (4xx) is
// refused, any other failed.
func refusal(response *http.Response, body []byte, t target) error {
	var told refusalBody
	if json.Unmarshal(body, &told) != nil || told.Message == "" {
		return &exit.Error{
			Code: refusalExit(response.StatusCode),
			Text: fmt.Sprintf("%s answered %s, and not as an agent does; is it one?",
				t.url, response.Status),
		}
	}
	text := told.Message
	if told.Field != "" {
		text = told.Field + ": " + text
	}
	cause := &messages.Error{Code: told.Code, Field: told.Field, Message: told.Message}
	return &exit.Error{
		Code:  refusalExit(response.StatusCode),
		Text:  text + advice(response, told, t),
		Cause: cause,
	}
}

func refusalExit(status int) int {
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return exit.Refused
	}
	return exit.Failed
}

// advice is what to do about a refusal whose sentence cannot know this side.
func advice(response *http.Response, told refusalBody, t target) string {
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Sprintf(" (user %q); check --user and the password, or set a new one on the "+
			"agent's host: gustyctl user passwd %s --offline",
			t.user, t.user)
	case http.StatusForbidden:
		return fmt.Sprintf(" (user %q)", t.user)
	case http.StatusTooManyRequests:
		return "; try again " + later(response.Header.Get("Retry-After"))
	case http.StatusServiceUnavailable:
		return "; try again, and see: gustyctl doctor"
	case http.StatusInternalServerError:
		return "; the agent's log has the cause under request id " + requestID(response, told)
	default:
		return ""
	}
}

// later reads the header Retry-After, which an agent gives in seconds.
func later(retryAfter string) string {
	if n, err := strconv.ParseInt(retryAfter, 10, 32); err == nil {
		return "in " + humaneDuration(time.Duration(n)*time.Second)
	}
	return "later"
}

func requestID(response *http.Response, told refusalBody) string {
	if told.RequestID != "" {
		return told.RequestID
	}
	return response.Header.Get("X-Request-Id")
}
