using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Platform.Notifications;

namespace RobustTrain.Tests.Platform;

public sealed class NotificationSenderTests : IDisposable
{
    private static readonly byte[] s_json = "{\"event\":\"finished\",\"text\":\"größer\"}"u8.ToArray();

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_webhook_gets_the_json()
    {
        using WebhookStub webhook = new((_, _) => 204);

        Assert.Empty(await Send(webhook.Address));
        Assert.Equal([("POST", "application/json; charset=utf-8", Encoding.UTF8.GetString(s_json))], webhook.Requests);
    }

    [Fact]
    public async Task One_that_fails_is_tried_again()
    {
        using WebhookStub webhook = new((_, attempt) => attempt < 3 ? 503 : 200);

        Assert.Empty(await Send(webhook.Address));
        Assert.Equal(3, webhook.Requests.Count);
    }

    [Fact]
    public async Task One_that_goes_on_failing_is_told_without_its_password()
    {
        using WebhookStub webhook = new((_, _) => 500);

        string sentence = Assert.Single(await Send($"{webhook.Address}secret?token=secret"));
        Assert.Equal($"'finished' could not be told to the webhook at {webhook.Address.TrimEnd('/')}: It answered 500 (Internal Server Error). It was tried 3 times.", sentence);
    }

    [Fact]
    public async Task One_that_refuses_for_good_is_not_tried_again()
    {
        using WebhookStub webhook = new((_, _) => 404);

        Assert.EndsWith("It answered 404 (Not Found). It was tried once.", Assert.Single(await Send(webhook.Address)), StringComparison.Ordinal);
        Assert.Single(webhook.Requests);
    }

    [Fact]
    public async Task One_that_hangs_is_given_up()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();

        NotificationSender sender = new() { Timeout = TimeSpan.FromMilliseconds(200), Backoff = TimeSpan.FromMilliseconds(1) };
        string sentence = Assert.Single(await sender.SendAsync([NotificationTarget.Parse($"http://{silent.LocalEndpoint}/")], "finished", s_json, CancellationToken.None));
        Assert.EndsWith("It did not answer within 0.2 s. It was tried 3 times.", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nobody_listens_the_reason_is_told()
    {
        using TcpListener closed = new(IPAddress.Loopback, 0);
        closed.Start();
        string address = $"http://{closed.LocalEndpoint}/";
        closed.Stop();

        Assert.Contains("refused", Assert.Single(await Send(address)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_target_keeps_no_other_from_its_news()
    {
        using WebhookStub good = new((_, _) => 200);
        using WebhookStub bad = new((_, _) => 400);

        Assert.Single(await Send(bad.Address, good.Address));
        Assert.Single(good.Requests);
    }

    [LinuxFact("It needs a shell of Unix.")]
    public async Task A_command_gets_the_json_and_the_kind()
    {
        Assert.Empty(await Send($"cat > '{_folder.At("got")}'; echo \"$ROBUSTTRAIN_EVENT\" > '{_folder.At("kind")}'; echo noise"));
        Assert.Equal(s_json, File.ReadAllBytes(_folder.At("got")));
        Assert.Equal("finished\n", File.ReadAllText(_folder.At("kind")));
    }

    [LinuxFact("It needs a shell of Unix.")]
    public async Task A_command_need_not_read_what_it_is_told()
    {
        byte[] large = new byte[1 << 20];
        Assert.Empty(await Quick.SendAsync([NotificationTarget.Parse("exec <&-; true")], "finished", large, CancellationToken.None));
    }

    [LinuxFact("It needs a shell of Unix.")]
    public async Task A_command_that_fails_is_tried_again_and_told_with_its_own_words()
    {
        string sentence = Assert.Single(await Send($"echo tried >> '{_folder.At("tries")}'; echo no such list >&2; exit 3"));
        Assert.Equal("'finished' could not be told to the command 'echo': It ended with exit code 3: no such list. It was tried 3 times.", sentence);
        Assert.Equal(3, File.ReadAllLines(_folder.At("tries")).Length);
    }

    [LinuxFact("It needs a shell of Unix.")]
    public async Task A_command_that_hangs_is_killed_with_what_it_has_started()
    {
        NotificationSender sender = new() { Attempts = 1, Timeout = TimeSpan.FromHours(1) };
        using CancellationTokenSource impatience = new();
        string file = _folder.At("pid");
        Task<IReadOnlyList<string>> sent = sender.SendAsync([NotificationTarget.Parse($"sleep 1000 & echo $! > '{file}.new'; mv '{file}.new' '{file}'; wait")], "finished", s_json, impatience.Token);
        while (!File.Exists(file))
            await Task.Delay(20);
        impatience.Cancel();
        Assert.Contains("did not answer", Assert.Single(await sent), StringComparison.Ordinal);
        while (IsAlive(File.ReadAllText(file).Trim()))
            await Task.Delay(20);
    }

    [Theory]
    [InlineData("", "A notification's target is empty")]
    [InlineData("  ", "A notification's target is empty")]
    [InlineData("ftp://example.org/x?password", "'ftp://...' is no address of a webhook")]
    [InlineData("https://", "'https://...' is no address of a webhook")]
    public void A_target_that_is_neither_is_refused_in_a_sentence(string text, string beginning) =>
        Assert.StartsWith(beginning, Assert.Throws<FormatException>(() => NotificationTarget.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("mail -s done admin", null)]
    [InlineData("curl https://example.org/x", null)]
    [InlineData("https://example.org/hook?key=1", "https://example.org/hook?key=1")]
    public void A_command_is_told_from_a_webhook(string text, string? address) => Assert.Equal(address, NotificationTarget.Parse(text).Webhook?.ToString());

    // A zombie lives no more, whoever has to bury it.
    private static bool IsAlive(string process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static NotificationSender Quick => new() { Timeout = TimeSpan.FromSeconds(60), Backoff = TimeSpan.FromMilliseconds(1) };

    private static Task<IReadOnlyList<string>> Send(params string[] targets) => Quick.SendAsync(targets.Select(NotificationTarget.Parse), "finished", s_json, CancellationToken.None);
}

/// <summary>A webhook on this machine that answers as it is told; on a socket, since Wine's <c>httpapi.dll</c> can't end an <c>HttpListener</c>.</summary>
internal sealed partial class WebhookStub : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, int, int> _answer;
    private readonly List<(string Method, string? Type, string Body)> _requests = [];

    public WebhookStub(Func<string, int, int> answer)
    {
        _answer = answer;
        _listener.Start();
        Address = $"http://{_listener.LocalEndpoint}/";
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public string Address { get; }

    public IReadOnlyList<(string Method, string? Type, string Body)> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Serve()
    {
        while (true)
        {
            try
            {
                _ = AnswerAsync(_listener.AcceptSocket());
            }
            catch (ArgumentException) when (OperatingSystem.IsWindows())
            {
                // Wine has no address of a sender that gave up before it was accepted.
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // The test is over.
                return;
            }
        }
    }

    // One request a connection.
    private async Task AnswerAsync(Socket connection)
    {
        using NetworkStream stream = new(connection, ownsSocket: true);
        try
        {
            (string Method, string? Type, string Body) request;
            using MemoryStream received = new();
            byte[] buffer = new byte[4096];
            while (!TryParse(received.GetBuffer().AsSpan(0, (int)received.Length), out request))
            {
                int count = await stream.ReadAsync(buffer);
                if (count == 0)
                    return;
                received.Write(buffer, 0, count);
            }

            int attempt;
            lock (_requests)
            {
                _requests.Add(request);
                attempt = _requests.Count;
            }

            int status = _answer(request.Body, attempt);
            string reason = WordStart().Replace(((HttpStatusCode)status).ToString(), " ");
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {reason}\r\n{(status == 204 ? "" : "Content-Length: 0\r\n")}Connection: close\r\n\r\n"));
        }
        catch (IOException)
        {
            // The sender has given up.
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> received, out (string Method, string? Type, string Body) request)
    {
        request = default;
        int end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        string[] lines = Encoding.ASCII.GetString(received[..end]).Split("\r\n");
        string? Header(string name) => lines.FirstOrDefault(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
        int length = int.Parse(Header("Content-Length")!, System.Globalization.CultureInfo.InvariantCulture);
        ReadOnlySpan<byte> body = received[(end + 4)..];
        if (body.Length < length)
            return false;
        request = (lines[0].Split(' ')[0], Header("Content-Type"), Encoding.UTF8.GetString(body[..length]));
        return true;
    }

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordStart();
}
