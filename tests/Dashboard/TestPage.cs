using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using RobustTrain.Dashboard;
using RobustTrain.Dashboard.Serving;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;

namespace RobustTrain.Tests.Dashboard;

/// <summary>A page served on this machine, and a browser's view of it.</summary>
internal sealed class TestPage : IAsyncDisposable
{
    private TestPage(DashboardServer server)
    {
        Server = server;
        Client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(server.Address), Timeout = Timeout.InfiniteTimeSpan };
    }

    public DashboardServer Server { get; }

    /// <summary>Sends nothing by itself that would open the page.</summary>
    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    public string Cookie => $"robusttrain-{Address.Port}={Server.Token.Session}";

    public static async Task<TestPage> StartAsync(string path, bool allowControl = false, Func<DashboardOptions, DashboardOptions>? change = null)
    {
        DashboardOptions options = new()
        {
            Path = path,
            Port = 0,
            AllowControl = allowControl,
            Monitoring = new MonitorSessionOptions { GpuSource = GpuSourceSpec.Parse("simulated:2") },
        };
        return new TestPage(await DashboardServer.StartAsync(change?.Invoke(options) ?? options, CancellationToken.None));
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, bool isKnown = true, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(method, path);
        if (isKnown)
            request.Headers.Add("Cookie", Cookie);
        foreach ((string name, string value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await Client.SendAsync(request);
    }

    public async Task<string> GetAsync(string path)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {answer.StatusCode} {text}");
        return text;
    }

    public async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await GetAsync(path)).RootElement;

    /// <summary>The run of a path, as soon as the page knows something of it.</summary>
    public async Task<JsonElement> RunAsync(string path, Func<JsonElement, bool>? isWanted = null)
    {
        while (true)
        {
            JsonElement state = await JsonAsync("/api/state");
            foreach (JsonElement run in state.GetProperty("runs").EnumerateArray())
            {
                if (run.GetProperty("path").GetString() == path && isWanted?.Invoke(run) != false)
                    return run;
            }

            await Task.Delay(100);
        }
    }

    public async Task<HttpResponseMessage> WriteAsync(string path, string? origin = null, string? writing = null) =>
        await SendAsync(HttpMethod.Post, path, isKnown: true, ("Origin", origin ?? Address.GetLeftPart(UriPartial.Authority)), ("X-RobustTrain-Write", writing ?? Server.Token.Writing));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
