// Uploads an image as programs in Go do: net/http and mime/multipart as they come. Prints a line for each URL.
//
//	upload slice.png http://127.0.0.1:8002 ...
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
)

func main() {
	image, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, url := range os.Args[2:] {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("image", "slice.png")
		if err == nil {
			_, err = part.Write(image)
		}
		if err == nil {
			err = form.Close()
		}
		if err != nil {
			log.Fatal(err)
		}
		// Of unknown length, so that net/http sends it in chunks.
		answer, err := http.Post(url+"/predict", form.FormDataContentType(), io.MultiReader(&body))
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", answer.StatusCode, text)
	}
}
