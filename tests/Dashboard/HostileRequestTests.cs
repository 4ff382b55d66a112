using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace RobustTrain.Tests.Dashboard;

/// <summary>Ten thousand requests that nobody in his right mind sends, as bytes on a connection.</summary>
public sealed class HostileRequestTests : IDisposable
{
    private const int Requests = 10_000;
    private const string Secret = "canary-4711";

    private static readonly string[] s_ups =
    [
        "..", "%2e%2e", "%2E%2E", ".%2e", "%252e%252e", "..%2f", "..%5c", "..\\", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "....", "..;", "%00", "%0d%0aX-Injected:%20yes", "%u002e%u002e", "..%00", "~", "%7e", "C:", "%ff%fe", "\u00e9", "?", "#", "*", "<script>", "%3Cscript%3E",
    ];

    private static readonly string[] s_targets =
    [
        "secret.txt", "outside/secret.txt", "etc/passwd", "proc/self/environ", "run.json", "config.yaml", "events.ndjson", "index.json", "app.js", "appsettings.json", "robusttrain-dashboard.dll", "metrics", "api/state", "api/live", "", ".", "con", "aux.txt", "nul",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact("It stops a process as Linux does, and its requests are paths of Linux.")]
    public async Task Ten_thousand_hostile_requests_are_answered_with_nothing_and_end_nothing()
    {
        using Victim victim = new();
        _folder.Write("secret.txt", Encoding.UTF8.GetBytes(Secret));
        _folder.Write("runs/one/epochs/0000/pictures/secret.txt", Encoding.UTF8.GetBytes(Secret));
        _folder.Write("runs/one/epochs/0000/pictures/index.json", "{\"epoch\":0,\"samples\":[{\"name\":\"a\",\"pictures\":{\"input\":\"../../../../../secret.txt\",\"b\":\"secret.txt\"}}]}"u8.ToArray());
        new TestRun(_folder.At("runs", "one"), name: "the name of a run", state: "running", process: victim.Identity).AddEpochs(0, 2);
        await using TestPage page = await TestPage.StartAsync(_folder.At("runs"), allowControl: true);
        string id = (await page.RunAsync("one")).GetProperty("id").GetString()!;
        await page.GetAsync($"/api/runs/{id}/history");

        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, stopping) =>
        {
            Random chance = new(number);
            bool isKnown = chance.Next(2) == 0;
            byte[] request = Request(chance, page, id, isKnown);
            string answer = await SendAsync(page.Address.Port, request);
            string told = $"request {number}: {Encoding.Latin1.GetString(request.AsSpan(0, Math.Min(300, request.Length)))}\nanswer: {answer[..Math.Min(400, answer.Length)]}";

            Assert.False(answer.Contains(Secret, StringComparison.Ordinal), told);
            Assert.False(answer.Contains("root:x:0", StringComparison.Ordinal), told);
            Assert.False(answer.Contains("X-Injected: yes", StringComparison.OrdinalIgnoreCase), told);
            if (answer.Length == 0)
                return;
            int status = int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(status is not (500 or 502 or 504), told);
            if (!isKnown)
            {
                Assert.True(status >= 400, told);
                Assert.False(answer.Contains("the name of a run", StringComparison.Ordinal), told);
                Assert.False(answer.Contains(page.Server.Token.Text, StringComparison.Ordinal) || answer.Contains(page.Server.Token.Session, StringComparison.Ordinal) || answer.Contains(page.Server.Token.Writing, StringComparison.Ordinal), told);
            }
        });

        Assert.False(victim.HasEnded);
        JsonElement state = await page.JsonAsync("/api/state");
        Assert.Equal("the name of a run", state.GetProperty("runs")[0].GetProperty("name").GetString());
        Assert.Equal(2, (await page.JsonAsync($"/api/runs/{id}/history")).GetProperty("epochs").GetProperty("train_loss").GetProperty("x").GetArrayLength());
    }

    private static byte[] Request(Random chance, TestPage page, string id, bool isKnown)
    {
        if (!isKnown && chance.Next(10) == 0)
        {
            byte[] noise = new byte[chance.Next(1, 5000)];
            chance.NextBytes(noise);
            return noise;
        }

        string method = Pick(chance, "GET", "GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "G T", "", "GET\0", new string('A', 300));
        string version = Pick(chance, "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", "");
        List<string> headers = [];
        string host = $"127.0.0.1:{page.Address.Port}";
        headers.Add(chance.Next(8) switch
        {
            0 => "Host: evil.example",
            1 => $"Host: {host}\r\nHost: evil.example",
            2 => "X-No: host",
            3 => "Host:",
            _ => $"Host: {host}",
        });
        if (isKnown)
            headers.Add($"Cookie: {page.Cookie}");
        else
            headers.Add(Pick(chance, "X-A: b", "Authorization: Bearer wrong", "Authorization: Basic cm9vdDpyb290", $"Cookie: robusttrain-{page.Address.Port}=", $"Cookie: robusttrain-{page.Address.Port}={new string('A', 32)}", $"Cookie: {new string('=', 500)}", "Authorization: Bearer " + new string('A', 5000), "Cookie: robusttrain-" + new string(';', 100)));
        for (int count = chance.Next(4); count > 0; count--)
        {
            headers.Add(Pick(chance,
                "Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "X-Forwarded-Host: 127.0.0.1", "X-Original-URL: /api/state", "X-HTTP-Method-Override: POST", "Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 99999999999",
                "Content-Length: 5\r\nContent-Length: 6", "Expect: 100-continue", "Range: bytes=0-1,5-9", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Connection: close", "X-Long: " + new string('x', chance.Next(40_000)), "X Bad : y", ": empty", "X-Control: a\u0001b",
                string.Join("\r\n", Enumerable.Range(0, 200).Select(number => $"X-Many-{number}: 1")), "Accept-Encoding: gzip;q=0, \u00ff", "If-None-Match: *", "Referer: file:///etc/passwd", " folded: line"));
        }

        string body = Pick(chance, "", "", "5\r\nhello\r\n0\r\n\r\n", "ZZZ\r\n", new string('b', chance.Next(20_000)), "{\"__proto__\":{}}");
        return Encoding.Latin1.GetBytes($"{method} {Target(chance, id)} {version}\r\n{string.Join("\r\n", headers)}\r\n\r\n{body}");
    }

    private static string Target(Random chance, string id)
    {
        string start = Pick(chance, "/", "/", "//", "/api/", "/api/runs/", $"/api/runs/{id}/", $"/api/runs/{id}/pictures/0/0/", $"/api/runs/{id}/pictures/", "/api/hosts/", "/metrics/", "/page/", "http://evil.example/", "file:///", "\\", "", "*");
        StringBuilder path = new(start);
        for (int count = chance.Next(6); count > 0; count--)
            path.Append(Pick(chance, s_ups)).Append(Pick(chance, "/", "/", "%2f", "\\", ""));
        path.Append(Pick(chance, s_targets));
        if (chance.Next(6) == 0)
            path.Append(Pick(chance, "/stop", "/resume", "/history"));
        if (chance.Next(4) == 0)
            path.Append('?').Append(Pick(chance, "token=wrong", "token=", "token=" + new string('a', 3000), "token[]=x&token=y", "a=%00", "span=day", "%", "&&&=="));
        if (chance.Next(60) == 0)
            path.Append(new string('a', chance.Next(20_000)));
        return path.ToString();
    }

    private static string Pick(Random chance, params string[] choices) => choices[chance.Next(choices.Length)];

    // What comes back until the server closes the connection; of a live stream its beginning.
    private static async Task<string> SendAsync(int port, byte[] request)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        StringBuilder answer = new();
        byte[] block = new byte[16384];
        try
        {
            await socket.SendAsync(request);
            socket.Shutdown(SocketShutdown.Send);
            int count;
            while ((count = await socket.ReceiveAsync(block)) > 0)
            {
                answer.Append(Encoding.Latin1.GetString(block, 0, count));
                if (answer.Length > 1 << 20 || answer.ToString().Contains("text/event-stream", StringComparison.Ordinal))
                    break;
            }
        }
        catch (SocketException)
        {
            // It was cut off in the middle, which is an answer too.
        }

        return answer.ToString();
    }
}
