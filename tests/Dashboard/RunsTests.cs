using System.Diagnostics;
using System.Net;
using System.Text.Json;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Dashboard;

/// <summary>What the page tells of runs, good ones and such as nobody should have written.</summary>
public sealed class RunsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RunsTests() => Directory.CreateDirectory(_folder.At("runs"));

    private string Runs => _folder.At("runs");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_runs_curves_are_its_events()
    {
        new TestRun(_folder.At("runs", "one"), epochs: 40).AddEpochs(0, 40);
        await using TestPage page = await TestPage.StartAsync(Runs);
        string id = (await page.RunAsync("one")).GetProperty("id").GetString()!;
        JsonElement history = await page.JsonAsync($"/api/runs/{id}/history");

        JsonElement loss = history.GetProperty("epochs").GetProperty("train_loss");
        Assert.Equal(Enumerable.Range(0, 40).Select(epoch => (double)epoch), Numbers(loss.GetProperty("x")));
        Assert.Equal(Enumerable.Range(0, 40).Select(TestRun.LossOf), Numbers(loss.GetProperty("y")));
        Assert.Equal(Enumerable.Range(0, 40).Select(TestRun.ScoreOf), Numbers(history.GetProperty("scores").GetProperty("f1").GetProperty("y")));
        Assert.Equal(Enumerable.Range(0, 40).Select(epoch => epoch * 10.0), Numbers(history.GetProperty("steps").GetProperty("loss").GetProperty("x")));
        Assert.Equal(81, history.GetProperty("eventCount").GetInt32());
    }

    [Fact]
    public async Task What_is_appended_is_told_to_an_open_page()
    {
        TestRun run = new TestRun(_folder.At("runs", "one"), state: "stopped", epochs: 5).AddEpochs(0, 1);
        await using TestPage page = await TestPage.StartAsync(Runs);
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/live");
        request.Headers.Add("Cookie", page.Cookie);
        using HttpResponseMessage answer = await page.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader live = new(await answer.Content.ReadAsStreamAsync());

        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        JsonElement state = await NextAsync(live, "state");
        Assert.Equal(TestRun.LossOf(0), state.GetProperty("runs")[0].GetProperty("trainLoss").GetDouble());
        Assert.Equal(2, (await NextAsync(live, "hosts")).EnumerateArray().Single().GetProperty("gpus").GetArrayLength());
        run.AddEpochs(1, 1);
        while (true)
        {
            JsonElement change = await NextAsync(live, "runs");
            if (change.GetProperty("runs").EnumerateArray().Any(changed => changed.GetProperty("trainLoss").GetDouble() == TestRun.LossOf(1)))
                break;
        }

        Directory.Delete(run.Folder, recursive: true);
        while ((await NextAsync(live, "runs")).GetProperty("gone").GetArrayLength() == 0)
        {
        }
    }

    [Fact]
    public async Task Steps_that_a_resumed_run_computes_anew_replace_the_former_ones()
    {
        TestRun run = new TestRun(_folder.At("runs", "one"), epochs: 9).AddEpochs(0, 5);
        run.Append(new { @event = "run_started", run_id = "r", run_path = run.Folder, process_id = 2, epochs = 9, steps_per_epoch = 10, resumed_from_epoch = 1, time = TestRun.Begin.AddHours(1) });
        run.Append(new { @event = "epoch_finished", epoch = 2, train_loss = 0.125, time = TestRun.Begin.AddHours(2) });
        await using TestPage page = await TestPage.StartAsync(Runs);
        JsonElement loss = (await page.JsonAsync($"/api/runs/{(await page.RunAsync("one")).GetProperty("id").GetString()}/history")).GetProperty("epochs").GetProperty("train_loss");

        Assert.Equal([0, 1, 2], Numbers(loss.GetProperty("x")));
        Assert.Equal(0.125, Numbers(loss.GetProperty("y"))[2]);
    }

    [Theory]
    [InlineData("{", "damaged")]
    [InlineData("", "damaged")]
    [InlineData("null", "holds no run")]
    [InlineData("[]", "damaged")]
    [InlineData("{\"format\":1}", "damaged")]
    public async Task A_damaged_record_hides_no_other_run(string content, string expected)
    {
        _ = new TestRun(_folder.At("runs", "good"));
        _folder.Write("runs/bad/run.json", System.Text.Encoding.UTF8.GetBytes(content));
        await using TestPage page = await TestPage.StartAsync(Runs);

        JsonElement bad = await page.RunAsync("bad");
        Assert.Equal("unreadable", bad.GetProperty("state").GetString());
        Assert.Contains(expected, bad.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal("finished", (await page.RunAsync("good")).GetProperty("state").GetString());
        await page.GetAsync($"/api/runs/{bad.GetProperty("id").GetString()}");
        Assert.Contains("robusttrain_run_state{run=\"bad\",state=\"unreadable\"} 1", await page.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_of_a_newer_version_says_so()
    {
        _ = new TestRun(_folder.At("runs", "new"), format: 99);
        await using TestPage page = await TestPage.StartAsync(Runs);

        Assert.Contains("has the format 99", (await page.RunAsync("new")).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_journal_that_is_damaged_or_half_written_gives_what_it_has()
    {
        TestRun run = new TestRun(_folder.At("runs", "torn"), epochs: 9).AddEpochs(0, 2);
        File.AppendAllText(run.Journal, "no event\n{\"event\":\"of tomorrow\",\"x\":1}\n{\"event\":\"\\ud800\"}\n[1,2]\n{\"event\":\"test_finished\",\"scores\":null}\n\0\0\0\n" + new string('x', 3 << 20) + "\n");
        run.AddEpochs(2, 1);
        File.AppendAllText(run.Journal, "{\"event\":\"epoch_finished\",\"epoch\":3,\"train_l");
        await using TestPage page = await TestPage.StartAsync(Runs);
        string id = (await page.RunAsync("torn")).GetProperty("id").GetString()!;
        JsonElement history = await page.JsonAsync($"/api/runs/{id}/history");

        Assert.Equal([0, 1, 2], Numbers(history.GetProperty("epochs").GetProperty("train_loss").GetProperty("x")));
        Assert.Equal(1, history.GetProperty("longLines").GetInt32());
        File.AppendAllText(run.Journal, "oss\":0.5}\n");
        history = await page.JsonAsync($"/api/runs/{id}/history");
        Assert.Equal(0.5, Numbers(history.GetProperty("epochs").GetProperty("train_loss").GetProperty("y"))[3]);
    }

    [Fact]
    public async Task A_million_events_are_curves_of_bounded_size()
    {
        TestRun run = new(_folder.At("runs", "long"), state: "stopped", epochs: 10_000);
        using (StreamWriter journal = new(run.Journal, append: true))
        {
            for (int step = 0; step < 1_000_000; step++)
            {
                journal.Write($"{{\"event\":\"step\",\"epoch\":{step / 100},\"step\":{step % 100},\"global_step\":{step},\"loss\":0.5,\"learning_rate\":0.001,\"samples_per_second\":60,\"data_wait_share\":0.1,\"time\":\"2026-11-01T00:00:00+00:00\"}}\n");
            }
        }

        await using TestPage page = await TestPage.StartAsync(Runs);
        string id = (await page.RunAsync("long")).GetProperty("id").GetString()!;
        JsonElement history = await page.JsonAsync($"/api/runs/{id}/history");

        Assert.Equal(1_000_001, history.GetProperty("eventCount").GetInt64());
        JsonElement loss = history.GetProperty("steps").GetProperty("loss");
        Assert.InRange(loss.GetProperty("x").GetArrayLength(), 300, 600);
        Assert.Equal(999_999, Numbers(loss.GetProperty("x"))[^1]);
        Assert.All(Numbers(loss.GetProperty("y")), value => Assert.Equal(0.5, value, 9));
        Assert.Equal(0.5, (await page.RunAsync("long")).GetProperty("loss").GetDouble());
    }

    [LinuxFact("Windows lets few make symbolic links.")]
    public async Task Links_out_of_the_folder_are_not_followed()
    {
        const string secret = "secret of another folder";
        TestRun outside = new(_folder.At("outside"), name: secret);
        File.CreateSymbolicLink(_folder.At("runs", "linked"), outside.Folder);
        Directory.CreateDirectory(_folder.At("runs", "record"));
        File.CreateSymbolicLink(_folder.At("runs", "record", "run.json"), Path.Combine(outside.Folder, "run.json"));
        TestRun files = new(_folder.At("runs", "files"));
        string secretFile = _folder.Write("secret.txt", System.Text.Encoding.UTF8.GetBytes(secret));
        File.Delete(Path.Combine(files.Folder, "config.yaml"));
        File.CreateSymbolicLink(Path.Combine(files.Folder, "config.yaml"), secretFile);
        File.Delete(files.Journal);
        File.CreateSymbolicLink(files.Journal, outside.Journal);
        await using TestPage page = await TestPage.StartAsync(Runs);

        string state = await page.GetAsync("/api/state");
        Assert.DoesNotContain(secret, state, StringComparison.Ordinal);
        Assert.Equal(["files", "record"], JsonDocument.Parse(state).RootElement.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("path").GetString()!));
        Assert.Contains("symbolic link", (await page.RunAsync("record")).GetProperty("error").GetString(), StringComparison.Ordinal);
        string id = (await page.RunAsync("files")).GetProperty("id").GetString()!;
        string view = await page.GetAsync($"/api/runs/{id}");
        Assert.DoesNotContain(secret, view, StringComparison.Ordinal);
        Assert.Contains("symbolic link", view, StringComparison.Ordinal);
        using HttpResponseMessage history = await page.SendAsync(HttpMethod.Get, $"/api/runs/{id}/history");
        Assert.Equal(HttpStatusCode.NotFound, history.StatusCode);
    }

    [LinuxFact("It makes a pipe by mkfifo.")]
    public async Task A_pipe_in_a_files_place_holds_nobody_up()
    {
        TestRun run = new(_folder.At("runs", "pipe"));
        File.Delete(run.Journal);
        using (Process made = Process.Start("mkfifo", [run.Journal, _folder.At("runs", "pipe", "config2")]))
            made.WaitForExit();
        File.Delete(Path.Combine(run.Folder, "config.yaml"));
        File.Move(_folder.At("runs", "pipe", "config2"), Path.Combine(run.Folder, "config.yaml"));
        await using TestPage page = await TestPage.StartAsync(Runs);
        string id = (await page.RunAsync("pipe")).GetProperty("id").GetString()!;

        Assert.Contains("is no file", (await page.JsonAsync($"/api/runs/{id}")).GetProperty("settingsProblem").GetString(), StringComparison.Ordinal);
        using HttpResponseMessage history = await page.SendAsync(HttpMethod.Get, $"/api/runs/{id}/history");
        Assert.Equal(HttpStatusCode.NotFound, history.StatusCode);
    }

    [Fact]
    public async Task A_script_for_a_name_is_data()
    {
        const string script = "<script>alert(1)</script>";
        _ = new TestRun(_folder.At("runs", OperatingSystem.IsWindows() ? "x" : "<img src=x onerror=alert(1)>"), name: script + "\"\n\\");
        await using TestPage page = await TestPage.StartAsync(Runs);

        string state = await page.GetAsync("/api/state");
        Assert.DoesNotContain("<", state, StringComparison.Ordinal);
        Assert.Equal(script + "\"\n\\", JsonDocument.Parse(state).RootElement.GetProperty("runs")[0].GetProperty("name").GetString());
        Assert.Contains("name=\"<script>alert(1)</script>\\\"\\n\\\\\"", await page.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pictures_come_from_their_folder_alone()
    {
        byte[] png = [0x89, .. "PNG\r\n"u8, 0x1a, 0x0a, 1, 2, 3];
        TestRun run = new(_folder.At("runs", "one"));
        string pictures = Path.Combine("runs", "one", "epochs", "0002", "pictures");
        _folder.Write(Path.Combine(pictures, "000-input.png"), png);
        _folder.Write(Path.Combine(pictures, "text.png"), "secret"u8.ToArray());
        _folder.Write(Path.Combine("runs", "one", "epochs", "0002", "outside.png"), png);
        string index = JsonSerializer.Serialize(new
        {
            epoch = 2,
            split = "validation",
            samples = new[] { new { name = "<b>a</b>", scores = new { f1 = 0.5 }, pictures = new { input = "000-input.png", up = "../outside.png", root = "/etc/passwd", text = "text.png", none = "none.png", dots = "..", odd = "a\0b" } } },
        });
        _folder.Write(Path.Combine(pictures, "index.json"), System.Text.Encoding.UTF8.GetBytes(index));
        await using TestPage page = await TestPage.StartAsync(Runs);
        string at = $"/api/runs/{(await page.RunAsync("one")).GetProperty("id").GetString()}";

        Assert.Equal(2, (await page.JsonAsync(at)).GetProperty("pictureEpochs")[0].GetInt32());
        Assert.Equal("<b>a</b>", (await page.JsonAsync($"{at}/pictures/2")).GetProperty("samples")[0].GetProperty("name").GetString());
        using (HttpResponseMessage good = await page.SendAsync(HttpMethod.Get, $"{at}/pictures/2/0/input"))
        {
            Assert.Equal(png, await good.Content.ReadAsByteArrayAsync());
            Assert.Equal("image/png", good.Content.Headers.ContentType?.MediaType);
        }

        foreach (string path in (string[])["2/0/up", "2/0/root", "2/0/text", "2/0/none", "2/0/dots", "2/0/odd", "2/0/nothing", "2/1/input", "2/-1/input", "3", "3/0/input", "9999999999/0/input", "2/0/..%2Foutside.png"])
        {
            using HttpResponseMessage bad = await page.SendAsync(HttpMethod.Get, $"{at}/pictures/{path}");
            Assert.Equal(HttpStatusCode.NotFound, bad.StatusCode);
            Assert.DoesNotContain("secret", await bad.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_runs_time_left_is_that_of_its_own_clock()
    {
        TestRun run = new(_folder.At("runs", "live"), state: "running", process: ProcessIdentity.Current, epochs: 2);
        run.AddStep(0, 1);
        run.AddStep(4, 0.9);
        await using TestPage page = await TestPage.StartAsync(Runs);
        JsonElement live = await page.RunAsync("live");

        Assert.Equal(6 * 15, live.GetProperty("secondsLeft").GetDouble());
        Assert.Equal(0.9, live.GetProperty("loss").GetDouble());
        Assert.Equal(0.5, live.GetProperty("progress").GetDouble());
        Assert.True(live.GetProperty("canStop").GetBoolean());
    }

    [Fact]
    public async Task Metrics_are_what_Prometheus_reads()
    {
        new TestRun(_folder.At("runs", "one")).AddEpochs(0, 3);
        await using TestPage page = await TestPage.StartAsync(Runs);
        while (!(await page.GetAsync("/metrics")).Contains("robusttrain_gpu_utilization_ratio", StringComparison.Ordinal))
            await Task.Delay(100);
        string[] lines = (await page.GetAsync("/metrics")).TrimEnd('\n').Split('\n');
        Dictionary<string, string> types = [];
        HashSet<string> samples = [];
        string current = "";

        foreach (string line in lines)
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
                continue;
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ');
                current = words[2];
                Assert.True(types.TryAdd(current, words[3]), $"{current} comes twice");
                continue;
            }

            Assert.Matches(@"^[a-z_:][a-z0-9_:]*(\{[a-z_]+=""([^""\\\n]|\\[\\""n])*""(,[a-z_]+=""([^""\\\n]|\\[\\""n])*"")*\})? -?([0-9.]+([eE][+-]?[0-9]+)?|NaN|[+-]Inf)$", line);
            Assert.Equal(current, line.Split('{', ' ')[0]);
            Assert.True(samples.Add(line[..line.LastIndexOf(' ')]), $"{line} comes twice");
        }

        Assert.All(types, metric => Assert.Equal(metric.Value == "counter", metric.Key.EndsWith("_total", StringComparison.Ordinal)));
        Assert.Contains($"robusttrain_run_score{{run=\"one\",score=\"f1\"}} {TestRun.ScoreOf(2):R}", lines);
        Assert.Contains("robusttrain_loader_samples_skipped_total{run=\"one\"} 2", lines);
        Assert.Equal(2, lines.Count(line => line.StartsWith("robusttrain_gpu_memory_total_bytes{", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_hosts_history_grows()
    {
        await using TestPage page = await TestPage.StartAsync(Runs, change: options => options with { Monitoring = options.Monitoring with { Sampling = new RobustTrain.Monitoring.MonitorOptions { Interval = TimeSpan.FromMilliseconds(100) } } });
        JsonElement history;
        do
            history = await page.JsonAsync("/api/hosts/0/history");
        while (history.GetProperty("gpus").GetArrayLength() == 0 || history.GetProperty("gpus")[0].GetProperty("figures").GetProperty("utilization_percent").GetArrayLength() < 3);

        Assert.Equal(2, history.GetProperty("gpus").GetArrayLength());
        foreach (string path in (string[])["/api/hosts/1/history", "/api/hosts/-1/history", "/api/hosts/x/history"])
        {
            using HttpResponseMessage none = await page.SendAsync(HttpMethod.Get, path);
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];

    private static async Task<JsonElement> NextAsync(StreamReader live, string kind)
    {
        while (await live.ReadLineAsync() is { } line)
        {
            if (line == $"event: {kind}")
                return JsonDocument.Parse((await live.ReadLineAsync())!["data: ".Length..]).RootElement;
        }

        throw new EndOfStreamException();
    }
}
