package passphrase_test

import (
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/crypt/passphrase"
)

// cheap makes the tests fast.
var cheap = passphrase.Params{Passes: 1, Memory: 64, Lanes: 1}

func Example() {
	key, err := crypt.NewKey()
	if err != nil {
		log.Fatal(err)
	}
	text, err := passphrase.Wrap(key, []byte("correct horse"), passphrase.Params{})
	if err != nil {
		log.Fatal(err)
	}
	again, err := passphrase.Unwrap(text, []byte("correct horse"))
	fmt.Println(again.Equal(key), err)
	_, err = passphrase.Unwrap(text, []byte("correct house"))
	fmt.Println(err)
	// Output:
	// true <nil>
	// wrong passphrase or damaged key
}

func newKey(t testing.TB) crypt.Key {
	t.Helper()
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestOnlyThePassphraseUnwrapsAKey(t *testing.T) {
	for _, secret := range []string{"x", "correct horse", "pässphrase ☃", strings.Repeat("long", 1000), "with\x00zero"} {
		key := newKey(t)
		text, err := passphrase.Wrap(key, []byte(secret), cheap)
		if err != nil {
			t.Fatal(err)
		}
		if !passphrase.IsWrapped(" "+text) || passphrase.IsWrapped(key.Text()) || strings.ContainsAny(text, " \n") {
			t.Errorf("text %q", text)
		}
		got, err := passphrase.Unwrap("\n"+text+"\r\n", []byte(secret))
		if err != nil || !got.Equal(key) {
			t.Errorf("%q: %v", secret, err)
		}
		for _, wrong := range []string{"", secret + " ", " " + secret, strings.ToUpper(secret)} {
			if _, err := passphrase.Unwrap(text, []byte(wrong)); !errors.Is(err, passphrase.ErrPassphrase) {
				t.Errorf("%q for %q: %v", wrong, secret, err)
			}
		}
		if _, err := crypt.ParseKey(text); !errors.Is(err, crypt.ErrWrapped) {
			t.Errorf("ParseKey: %v, want ErrWrapped", err)
		}
	}
}

// pinned wraps the key of bytes 0 to 31 under "correct horse". Python's cryptography
// 48.0.0 made it by Argon2id and ChaCha20Poly1305.
const pinned = "deploy-kernel-wrapped-key-1:argon2id:t=3,m=1024,p=2:Z" +
	"GVmZ2hpamtsbW5vcHFycw:Qe6k7AHkNdBGSID9T3MkMIjKi5R1bXWZeXhIFEppr7iq3-cQU9pYi5iLSTmg27K9"

func TestTheFormatNeverChanges(t *testing.T) {
	key, err := passphrase.Unwrap(pinned, []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "deploy-kernel-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:405b8731"; key.Text() != want {
		t.Errorf("got %s", key)
	}
}

func TestTwoWrappingsOfAKeyDiffer(t *testing.T) {
	key := newKey(t)
	a, err1 := passphrase.Wrap(key, []byte("x"), cheap)
	b, err2 := passphrase.Wrap(key, []byte("x"), cheap)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	fa, fb := strings.Split(a, ":"), strings.Split(b, ":")
	if fa[3] == fb[3] || fa[4] == fb[4] {
		t.Error("a salt came twice")
	}
}

func TestEveryChangedCharacterIsNoticed(t *testing.T) {
	text, err := passphrase.Wrap(newKey(t), []byte("x"), passphrase.Params{Passes: 2, Memory: 64, Lanes: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, c := range []byte("a9-:=,+\n") {
			if text[i] == c {
				continue
			}
			if _, err := passphrase.Unwrap(text[:i]+string(c)+text[i+1:], []byte("x")); err == nil {
				t.Errorf("character %d replaced by %q was not noticed", i, c)
			}
		}
		if _, err := passphrase.Unwrap(text[:i], []byte("x")); err == nil {
			t.Errorf("a line cut at %d was not noticed", i)
		}
	}
	if _, err := passphrase.Unwrap(text+":x", []byte("x")); err == nil {
		t.Error("a part too many was not noticed")
	}
}

func TestHostileParametersCostNothing(t *testing.T) {
	const rest = ":AAAAAAAAAAAAAAAAAAAAAA:" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	start := time.Now()
	for _, params := range []string{
		"t=0,m=64,p=1", "t=1,m=64,p=0", "t=1,m=0,p=1", "t=1,m=7,p=1", "t=1,m=64,p=9",
		"t=65,m=64,p=1", "t=1,m=1048577,p=1", "t=1,m=1024,p=65", "t=17,m=1048576,p=1",
		"t=4294967297,m=64,p=1", "t=1,m=4294967295,p=1", "t=1,m=99999999999999999999,p=1", "t=1,m=64,p=257",
		"t=-1,m=64,p=1", "t=1,m=+64,p=1", "t=1,m=64", "t=1,m=64,p=1,x=1", "m=64,t=1,p=1", "", "t=,m=,p=",
	} {
		_, err := passphrase.Unwrap("deploy-kernel-wrapped-key-1:argon2id:"+params+rest, []byte("x"))
		if err == nil || errors.Is(err, passphrase.ErrPassphrase) {
			t.Errorf("%q was tried: %v", params, err)
		}
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("refusing took %v", d)
	}
}

func TestWrapRefusesWhatUnwrapWouldRefuse(t *testing.T) {
	key := newKey(t)
	for what, err := range map[string]error{
		"no passphrase": second(passphrase.Wrap(key, nil, cheap)),
		"no key":        second(passphrase.Wrap(crypt.Key{}, []byte("x"), cheap)),
		"no passes":     second(passphrase.Wrap(key, []byte("x"), passphrase.Params{Memory: 64, Lanes: 1})),
		"no memory":     second(passphrase.Wrap(key, []byte("x"), passphrase.Params{Passes: 1, Lanes: 1})),
		"too much":      second(passphrase.Wrap(key, []byte("x"), passphrase.Params{Passes: 64, Memory: 1 << 20, Lanes: 1})),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

func second(_ string, err error) error { return err }

func FuzzUnwrap(f *testing.F) {
	f.Add(pinned)
	f.Add("deploy-kernel-wrapped-key-1:argon2id:t=1,m=8,p=1::")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "m=") && !strings.Contains(line, "m=1024,") {
			return // work enough is done elsewhere
		}
		key, err := passphrase.Unwrap(line, []byte("correct horse"))
		if err == nil && strings.TrimSpace(line) != pinned || err != nil && !key.IsZero() {
			t.Fatalf("Unwrap(%q) = %v, %v", line, key, err)
		}
	})
}
