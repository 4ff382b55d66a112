using System.Text.Json;
using RobustTrain.Dashboard;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Alerts;

namespace RobustTrain.Tests.Dashboard;

/// <summary>What the page tells of fleets and alerts.</summary>
public sealed class FleetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FleetTests() => Directory.CreateDirectory(Runs);

    private string Runs => _folder.At("runs");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_fleet_is_told_with_its_members_hosts_and_runs()
    {
        new TestRun(_folder.At("runs", "night", "one")).AddEpochs(0, 1);
        string path = _folder.At("runs", "night");
        using FleetFolder fleet = FleetFolder.Open(path, "1", TimeProvider.System);
        await using TestPage page = await TestPage.StartAsync(Runs);
        JsonElement told = await FleetAsync(page, _ => true);
        Assert.Equal("night", told.GetProperty("path").GetString());
        Assert.False(told.TryGetProperty("time", out _));

        fleet.WriteStatus(new FleetStatus(
            DateTimeOffset.UtcNow,
            [
                new MemberStatus("one", MemberState.Running, "on gpu01, GPU 1") { Host = "gpu01", GpuIndex = 1, EpochsDone = 2, Epochs = 5, Failures = 1 },
                new MemberStatus("two", MemberState.Queued, "gpu01: GPU 0 trains"),
            ],
            [new HostStatus("gpu01", true, "2 GPUs, 8 cores", 1)]));
        told = await FleetAsync(page, fleet => fleet.GetProperty("members").GetArrayLength() > 0);
        JsonElement[] members = [.. told.GetProperty("members").EnumerateArray()];
        Assert.Equal(["running", "queued"], members.Select(member => member.GetProperty("state").GetString()));
        Assert.Equal("on gpu01, GPU 1", members[0].GetProperty("reason").GetString());
        Assert.Equal((await page.RunAsync("night/one")).GetProperty("id").GetString(), members[0].GetProperty("run").GetString());
        Assert.False(members[1].TryGetProperty("run", out _));
        Assert.Equal("2 GPUs, 8 cores", told.GetProperty("hosts")[0].GetProperty("reason").GetString());
        Assert.True(told.GetProperty("isAtWork").GetBoolean());

        fleet.WriteStatus(new FleetStatus(DateTimeOffset.UtcNow.AddHours(-1), [], []));
        await FleetAsync(page, fleet => !fleet.GetProperty("isAtWork").GetBoolean());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"time\":\"2026-11-30T00:00:00Z\",\"members\":[null],\"hosts\":[]}")]
    public async Task A_status_that_is_damaged_is_told_as_a_problem(string content)
    {
        using (FleetFolder.Open(Runs, "1", TimeProvider.System))
            File.WriteAllText(FleetFolder.StatusPathOf(Runs), content);
        await using TestPage page = await TestPage.StartAsync(Runs);
        Assert.Contains("is damaged", (await FleetAsync(page, _ => true)).GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [LinuxFact("It makes symbolic links.")]
    public async Task A_fleet_behind_a_symbolic_link_is_not_read()
    {
        string elsewhere = _folder.At("elsewhere");
        using (FleetFolder fleet = FleetFolder.Open(elsewhere, "1", TimeProvider.System))
            fleet.WriteStatus(new FleetStatus(DateTimeOffset.UtcNow, [new MemberStatus("secret", MemberState.Queued, "x")], []));
        Directory.CreateSymbolicLink(_folder.At("runs", ".fleet"), Path.Combine(elsewhere, ".fleet"));
        await using TestPage page = await TestPage.StartAsync(Runs);
        JsonElement told = await FleetAsync(page, _ => true);
        Assert.Contains("symbolic link", told.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, told.GetProperty("members").GetArrayLength());
    }

    [Fact]
    public async Task A_value_past_its_limit_is_told_as_an_alert()
    {
        await using TestPage page = await TestPage.StartAsync(Runs, change: options => options with
        {
            Monitoring = options.Monitoring with { Alerts = [AlertRule.Parse("MemoryUsedBytes > 1"), AlertRule.Parse("MemoryUsedBytes > 1000000TB")] },
        });
        JsonElement alerts;
        do
        {
            await Task.Delay(100);
            alerts = (await page.JsonAsync("/api/state")).GetProperty("alerts");
        }
        while (alerts.GetProperty("raised").GetArrayLength() == 0);
        JsonElement raised = alerts.GetProperty("raised")[0];
        Assert.Equal("MemoryUsedBytes > 1", raised.GetProperty("rule").GetString());
        Assert.Contains("has been past the limit", raised.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, alerts.GetProperty("rules").GetArrayLength());
        Assert.DoesNotContain(alerts.GetProperty("log").EnumerateArray(), alert => alert.GetProperty("rule").GetString() != "MemoryUsedBytes > 1");
    }

    private static async Task<JsonElement> FleetAsync(TestPage page, Func<JsonElement, bool> isWanted)
    {
        while (true)
        {
            if ((await page.JsonAsync("/api/state")).GetProperty("fleets").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } fleet && isWanted(fleet))
                return fleet;
            await Task.Delay(100);
        }
    }
}
