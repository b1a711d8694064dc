package crypt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

func TestParseKeyInvertsText(t *testing.T) {
	for range 100 {
		key, err := crypt.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		text := key.Text()
		if strings.ContainsAny(text, " \n\"'$\\") {
			t.Fatalf("the text needs quoting: %q", text)
		}
		for _, form := range []string{text, text + "\n", "  " + text + "\r\n"} {
			got, err := crypt.ParseKey(form)
			if err != nil || !got.Equal(key) || !bytes.Equal(got.Bytes(), key.Bytes()) {
				t.Fatalf("ParseKey: %v", err)
			}
		}
	}
}

func TestTheTextOfAKeyNeverChanges(t *testing.T) {
	var b [32]byte
	for i := range b {
		b[i] = byte(i)
	}
	key, err := crypt.KeyFromBytes(b[:])
	if err != nil {
		t.Fatal(err)
	}
	const want = "deploy-kernel-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:405b8731"
	if got := key.Text(); got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestEveryMistypedCharacterOfAKeyIsNoticed(t *testing.T) {
	text := testKey(t, 1).Text()
	for i := range text {
		for _, c := range []byte("aZ09-_:=+/ \n\x00é") {
			if text[i] == c {
				continue
			}
			if _, err := crypt.ParseKey(text[:i] + string(c) + text[i+1:]); err == nil {
				t.Errorf("character %d replaced by %q was not noticed", i, c)
			}
			if _, err := crypt.ParseKey(text[:i] + string(c) + text[i:]); err == nil && i > 0 {
				t.Errorf("%q before character %d was not noticed", c, i)
			}
		}
		if _, err := crypt.ParseKey(text[:i] + text[i+1:]); err == nil {
			t.Errorf("a missing character %d was not noticed", i)
		}
		if _, err := crypt.ParseKey(text[:i]); err == nil {
			t.Errorf("a key cut at %d was not noticed", i)
		}
	}
	if _, err := crypt.ParseKey(strings.ToUpper(text)); err == nil {
		t.Error("upper case was taken")
	}
	if _, err := crypt.ParseKey("deploy-kernel-wrapped-key-1:argon2id:"); !errors.Is(err, crypt.ErrWrapped) {
		t.Errorf("a wrapped key: %v, want ErrWrapped", err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := crypt.KeyFromBytes(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

// utf16Text returns an ASCII text in UTF-16, little-endian.
func utf16Text(text string) string {
	var b []byte
	for _, c := range []byte(text) {
		b = append(b, c, 0)
	}
	return string(b)
}

func TestKeyFilesOfAnyEditorAreRead(t *testing.T) {
	key := testKey(t, 1)
	text := key.Text()
	for _, file := range []string{
		"\xef\xbb\xbf" + text + "\r\n",
		"\xef\xbb\xbf\r\n\r\n  " + text + " \t\r\n\r\n",
		"\n\n" + text + "\r",
		"# of the second run\n\n" + text + "\n# end\n",
		"\xff\xfe" + utf16Text(text+"\r\n"),
		"\xfe\xff\x00" + strings.TrimSuffix(utf16Text(text), "\x00"),
		utf16Text(text + "\r\n"),
		"\x00" + strings.TrimSuffix(utf16Text(text), "\x00"),
	} {
		got, err := crypt.ParseKey(file)
		if err != nil || !got.Equal(key) {
			t.Errorf("%q: %v", file, err)
		}
	}
	for _, file := range []string{text + "\n" + text, text + "\nmore", "# " + text, "\xff\xfe", "\xff\xfe\x00", "\x00\x00"} {
		if _, err := crypt.ParseKey(file); err == nil || strings.Contains(err.Error(), text[20:40]) {
			t.Errorf("%q: error %v", file, err)
		}
	}
}

func TestErrorsDoNotShowTheKey(t *testing.T) {
	text := testKey(t, 1).Text()
	secret := strings.Split(text, ":")[1]
	for _, bad := range []string{secret, text[:len(text)-1], text + "x", "key-1:" + secret, text[:len(text)-1] + "é"} {
		_, err := crypt.ParseKey(bad)
		if err == nil || strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("error %v", err)
		}
	}
}

// holder has a key in a field where fmt cannot call methods.
type holder struct {
	Name   string
	Key    crypt.Key
	hidden crypt.Key
	ptr    *crypt.Key
}

func TestNoWayOfPrintingShowsAKey(t *testing.T) {
	key := testKey(t, 1)
	raw := key.Bytes()
	h := holder{"x", key, key, &key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%U", "%c", "%p", "%t", "%e", "%T"} {
		for _, v := range []any{key, &key, h, &h, []crypt.Key{key}, map[string]crypt.Key{"k": key}, []any{h}, errors.Join(fmt.Errorf("%v", key))} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, key, &key, h)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "key", key, "ptr", &key, "holder", h, "list", []crypt.Key{key})
	}
	for _, v := range []any{key, h, []crypt.Key{key}} {
		b, err := json.Marshal(v)
		fmt.Fprintln(&out, string(b), err)
	}
	_ = template.Must(template.New("").Parse("{{.}} {{.Key}} {{printf `%x` .Key}}")).Execute(&out, h)
	for _, secret := range []string{
		key.Text(), string(raw), hex.EncodeToString(raw[:4]), strings.ToUpper(hex.EncodeToString(raw[:4])),
		base64.StdEncoding.EncodeToString(raw)[:8], base64.RawURLEncoding.EncodeToString(raw)[:8],
		fmt.Sprint(raw[:4])[1:8], fmt.Sprintf("%#v", raw[:3])[7:20], fmt.Sprintf("%b", raw[:2])[1:12],
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the key shows as %q in\n%s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), key.ID()) {
		t.Error("not even the key's ID is shown")
	}
}

func TestKeysAreEqualByTheirBytes(t *testing.T) {
	a, b, c := testKey(t, 1), testKey(t, 1), testKey(t, 2)
	if !a.Equal(b) || a.Equal(c) || a.Equal(crypt.Key{}) || (crypt.Key{}).Equal(a) || !(crypt.Key{}).Equal(crypt.Key{}) {
		t.Error("Equal is wrong")
	}
	if a.IsZero() || !(crypt.Key{}).IsZero() || a.ID() == c.ID() {
		t.Error("IsZero or ID is wrong")
	}
	a.Bytes()[0] ^= 1
	if !a.Equal(b) {
		t.Error("Bytes gave out the key itself")
	}
	if s := (crypt.Key{}).String(); s != "no key" {
		t.Errorf("the zero key prints as %q", s)
	}
}
