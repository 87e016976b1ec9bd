// java.net.http.HttpClient as it comes: it offers HTTP/2, on plain HTTP by `Upgrade: h2c`.
// java Upload.java ca.crt slice.png http://127.0.0.1:8002 ...
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Upload {
  public static void main(String[] arguments) throws Exception {
    HttpClient client = HttpClient.newBuilder().sslContext(trusting(Path.of(arguments[0]))).build();
    byte[] form = form(Files.readAllBytes(Path.of(arguments[1])));
    for (String url : Arrays.copyOfRange(arguments, 2, arguments.length)) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/predict"))
          .header("Content-Type", "multipart/form-data; boundary=b")
          .POST(HttpRequest.BodyPublishers.ofByteArray(form)).build();
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.body());
    }
  }

  private static byte[] form(byte[] image) throws Exception {
    String head = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"slice.png\"\r\n"
        + "Content-Type: image/png\r\n\r\n";
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.write(head.getBytes());
    body.write(image);
    body.write("\r\n--b--\r\n".getBytes());
    return body.toByteArray();
  }

  private static SSLContext trusting(Path certificate) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream file = Files.newInputStream(certificate)) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
