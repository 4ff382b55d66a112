using System.Net;
using System.Net.Sockets;
using RobustTrain.Dashboard;
using RobustTrain.Dashboard.Serving;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Dashboard;

/// <summary>Who may see the page, under which name, and what it may do.</summary>
public sealed class AccessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public AccessTests() => Directory.CreateDirectory(_folder.At("runs"));

    private string Runs => _folder.At("runs");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/", HttpStatusCode.Unauthorized)]
    [InlineData("/app.js", HttpStatusCode.Unauthorized)]
    [InlineData("/api/state", HttpStatusCode.Unauthorized)]
    [InlineData("/api/live", HttpStatusCode.Unauthorized)]
    [InlineData("/metrics", HttpStatusCode.Unauthorized)]
    [InlineData("/nothing", HttpStatusCode.Unauthorized)]
    [InlineData("/?token=wrong", HttpStatusCode.Forbidden)]
    [InlineData("/?token=", HttpStatusCode.Unauthorized)]
    [InlineData("/metrics?token=wrong", HttpStatusCode.Unauthorized)]
    public async Task Nothing_is_told_without_the_token(string path, HttpStatusCode expected)
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        using HttpResponseMessage answer = await page.SendAsync(HttpMethod.Get, path, isKnown: false);

        Assert.Equal(expected, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Single((await answer.Content.ReadAsStringAsync()).Trim().Split('\n'));
    }

    [Fact]
    public async Task The_token_of_the_address_opens_the_page_and_becomes_a_cookie_that_is_another_secret()
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        using HttpResponseMessage answer = await page.Client.GetAsync(new Uri(page.Server.Url));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(page.Server.Token.Text, cookie, StringComparison.Ordinal);
        Assert.Contains("script-src 'self'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", string.Join(' ', answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        using HttpResponseMessage script = await page.SendAsync(HttpMethod.Get, "/app.js", isKnown: false, ("Cookie", cookie.Split(';')[0]));
        Assert.Equal(HttpStatusCode.OK, script.StatusCode);
    }

    [Fact]
    public async Task Prometheus_reads_the_metrics_with_the_token_as_bearer()
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        using HttpResponseMessage right = await page.SendAsync(HttpMethod.Get, "/metrics", isKnown: false, ("Authorization", $"Bearer {page.Server.Token.Text}"));
        using HttpResponseMessage wrong = await page.SendAsync(HttpMethod.Get, "/metrics", isKnown: false, ("Authorization", "Bearer wrong"));

        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:PORT")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:1")]
    [InlineData("127.0.0.1.evil.example:PORT")]
    public async Task A_name_that_somebody_else_lets_lead_here_is_refused(string host)
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        using HttpResponseMessage answer = await page.SendAsync(HttpMethod.Get, "/api/state", isKnown: true, ("Host", host.Replace("PORT", $"{page.Address.Port}", StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
    }

    [Fact]
    public async Task It_is_served_to_this_machine_alone()
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        IPAddress[] others = [.. (await Dns.GetHostAddressesAsync(Dns.GetHostName())).Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))];

        foreach (IPAddress other in others)
        {
            using TcpClient client = new();
            await Assert.ThrowsAnyAsync<SocketException>(() => client.ConnectAsync(other, page.Address.Port));
        }
    }

    [Fact]
    public async Task Pages_of_others_are_not_answered_though_the_browser_sends_the_cookie()
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        foreach (string from in (string[])["cross-site", "same-site"])
        {
            using HttpResponseMessage answer = await page.SendAsync(HttpMethod.Get, "/api/state", isKnown: true, ("Sec-Fetch-Site", from), ("Sec-Fetch-Mode", "cors"));
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }
    }

    [LinuxFact("It stops a process as Linux does.")]
    public async Task Only_the_page_itself_stops_a_run_and_only_where_it_is_allowed_to()
    {
        using Victim victim = new();
        _ = new TestRun(_folder.At("runs", "live"), state: "running", process: victim.Identity);
        await using TestPage page = await TestPage.StartAsync(Runs, allowControl: true);
        string stop = $"/api/runs/{(await page.RunAsync("live")).GetProperty("id").GetString()}/stop";

        foreach ((string? origin, string? writing) in ((string?, string?)[])[("http://evil.example", null), ("null", null), ("", null), ($"http://localhost:{page.Address.Port}", null), ($"https://127.0.0.1:{page.Address.Port}", null), (null, ""), (null, "wrong"), (null, page.Server.Token.Session)])
        {
            using HttpResponseMessage refused = await page.WriteAsync(stop, origin, writing);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        using (HttpResponseMessage read = await page.SendAsync(HttpMethod.Get, stop))
            Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        await using (TestPage reader = await TestPage.StartAsync(Runs))
        {
            Assert.False((await reader.JsonAsync("/api/state")).TryGetProperty("control", out _));
            using HttpResponseMessage refused = await reader.WriteAsync(stop);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains("-AllowControl", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.False(victim.HasEnded);
        using HttpResponseMessage done = await page.WriteAsync(stop);
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        await victim.WaitAsync();
        Assert.Equal("interrupted", (await page.RunAsync("live", run => run.GetProperty("state").GetString() != "running")).GetProperty("state").GetString());
        using HttpResponseMessage again = await page.WriteAsync(stop);
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    [LinuxFact("The trainer is a shell script.")]
    public async Task A_run_is_resumed_by_a_trainer_of_its_own_and_its_refusal_is_told()
    {
        using Victim victim = new();
        string trainer = _folder.At("robusttrain");
        TestRun run = new(_folder.At("runs", "stopped"), state: "stopped", workingDirectory: _folder.Path);
        await using TestPage page = await TestPage.StartAsync(Runs, allowControl: true, options => options with { Executable = trainer });
        string resume = $"/api/runs/{(await page.RunAsync("stopped")).GetProperty("id").GetString()}/resume";

        WriteScript(trainer, "echo 'robusttrain: The data is gone.' >&2; exit 2");
        using (HttpResponseMessage refused = await page.WriteAsync(resume))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("exit code 2: The data is gone.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        // What a trainer does first: it puts itself into the record.
        string next = _folder.At("next.json");
        string record = Path.Combine(run.Folder, "run.json");
        string before = File.ReadAllText(record);
        run.WriteRecord("running", victim.Identity, 1, _folder.Path);
        File.Move(record, next);
        File.WriteAllText(record, before);
        WriteScript(trainer, $"echo \"$*\" >'{_folder.At("call")}'; pwd >>'{_folder.At("call")}'; mv '{next}' '{record}'; sleep 1");
        using HttpResponseMessage done = await page.WriteAsync(resume);
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        Assert.Equal([$"train --run-path {run.Folder} --resume require", _folder.Path], File.ReadAllLines(_folder.At("call")));
        Assert.Equal("running", (await page.RunAsync("stopped", found => found.GetProperty("state").GetString() != "stopped")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_sentence()
    {
        await using TestPage page = await TestPage.StartAsync(Runs);
        RunException refused = await Assert.ThrowsAsync<RunException>(() => DashboardServer.StartAsync(new DashboardOptions { Path = Runs, Port = page.Address.Port }, CancellationToken.None));

        Assert.Equal("PortInUse", refused.ErrorId);
        Assert.Equal($"Port {page.Address.Port} is used by another program; name another one by --port, or take a free one by --port 0.", refused.Message);
    }

    [Theory]
    [InlineData("FolderNotFound")]
    [InlineData("KeyWithoutCertificate")]
    [InlineData("CertificateNotFound")]
    [InlineData("CertificateNotUsable")]
    [InlineData("HostNameWithoutListen")]
    [InlineData("TokenInvalid")]
    [InlineData("AddressNotAvailable")]
    public async Task What_cannot_be_served_is_one_sentence_with_an_id(string id)
    {
        string file = _folder.Write("file", "short"u8.ToArray());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DashboardOptions options = new() { Path = Runs, Port = 0, Monitoring = new MonitorSessionOptions { GpuSource = GpuSourceSpec.Parse("simulated:1") } };
        options = id switch
        {
            "FolderNotFound" => options with { Path = _folder.At("nowhere") },
            "KeyWithoutCertificate" => options with { CertificateKeyPath = file },
            "CertificateNotFound" => options with { CertificatePath = _folder.At("nowhere") },
            "CertificateNotUsable" => options with { CertificatePath = file },
            "HostNameWithoutListen" => options with { HostNames = ["gpu01"] },
            "TokenInvalid" => options with { TokenPath = file },
            _ => options with { Listen = IPAddress.Parse("203.0.113.7") },
        };
        RunException refused = await Assert.ThrowsAsync<RunException>(() => DashboardServer.StartAsync(options, CancellationToken.None));

        Assert.Equal(id, refused.ErrorId);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [LinuxFact("Windows has no such permissions.")]
    public async Task A_token_file_is_made_for_its_owner_alone_and_refused_where_others_can_read_it()
    {
        string file = _folder.At("token");
        string made;
        await using (TestPage page = await TestPage.StartAsync(Runs, change: options => options with { TokenPath = file }))
            made = page.Server.Token.Text;

        Assert.Equal(made, File.ReadAllText(file).Trim());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await using (TestPage page = await TestPage.StartAsync(Runs, change: options => options with { TokenPath = file }))
            Assert.Equal(made, page.Server.Token.Text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        RunException refused = await Assert.ThrowsAsync<RunException>(() => TestPage.StartAsync(Runs, change: options => options with { TokenPath = file }));
        Assert.Equal("TokenFileOpen", refused.ErrorId);
    }

    [Fact]
    public async Task With_a_certificate_it_is_served_over_TLS()
    {
        using System.Security.Cryptography.RSA key = System.Security.Cryptography.RSA.Create(2048);
        System.Security.Cryptography.X509Certificates.CertificateRequest request = new("CN=127.0.0.1", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string file = _folder.At("page.pem");
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        await using TestPage page = await TestPage.StartAsync(Runs, change: options => options with { CertificatePath = file });
        using HttpClient client = new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, found, _, _) => found?.GetCertHashString() == certificate.GetCertHashString() } });
        using HttpResponseMessage answer = await client.GetAsync(new Uri(page.Server.Url));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("https", page.Address.Scheme);
        Assert.Contains("secure", Assert.Single(answer.Headers.GetValues("Set-Cookie")), StringComparison.OrdinalIgnoreCase);
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void WriteScript(string path, string body)
    {
        File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
