using System.Text.Json.Nodes;
using RobustTrain.Fleet.State;
using RobustTrain.Host.Output;
using RobustTrain.Platform.Notifications;
using RobustTrain.Tests.Platform;

namespace RobustTrain.Tests.Host;

/// <summary>Who is told of a fleet's runs and hosts, and of what.</summary>
public sealed class FleetNotificationsTests : IDisposable
{
    private readonly WebhookStub _webhook = new((_, _) => 200);
    private readonly List<string> _failures = [];

    public void Dispose() => _webhook.Dispose();

    [Fact]
    public void Each_change_that_people_act_on_is_told_once_and_in_order()
    {
        using (FleetNotifications notifications = Open(null))
        {
            notifications.Take(new MemberStatus("a", MemberState.Queued, "waits"));
            notifications.Take(new MemberStatus("a", MemberState.Running, "on gpu01"));
            notifications.Take(new HostStatus("gpu01", true, "2 GPUs", 1));
            notifications.Take(new MemberStatus("a", MemberState.Stuck, "no step for 30 min"));
            notifications.Take(new MemberStatus("a", MemberState.Stuck, "no step for 31 min"));
            notifications.Take(new HostStatus("gpu01", false, "does not answer", 1));
            notifications.Take(new HostStatus("gpu01", true, "2 GPUs", 0));
            notifications.Take(new MemberStatus("b", MemberState.Outdated, "seed is 2"));
            notifications.Take(new MemberStatus("a", MemberState.Finished, "f1 0.9") { EpochsDone = 3, Epochs = 3 });
            notifications.Take(new MemberStatus("c", MemberState.Failed, "it is out of memory"));
            notifications.TakeEnd("failed", "Not all runs are finished.");
        }

        JsonNode[] told = [.. _webhook.Requests.Select(request => JsonNode.Parse(request.Body)!)];
        Assert.Equal(["stuck", "alert", "alert", "alert", "finished", "failed", "failed"], told.Select(message => (string)message["event"]!));
        Assert.Equal(["raised", "cleared", null], told[1..4].Select(message => (string?)message["alert"]?["state"]));
        Assert.Equal("The host gpu01 of the fleet at /fleet can't be used: does not answer.", (string)told[1]["text"]!);
        Assert.Equal("The run 'b' of the fleet at /fleet is outdated: seed is 2.", (string)told[3]["text"]!);
        Assert.Equal(("a", "finished", 3), ((string)told[4]["run"]!["name"]!, (string)told[4]["run"]!["state"]!, (int)told[4]["run"]!["epochs_done"]!));
        Assert.Null(told[6]["run"]);
        Assert.All(told, message => Assert.Equal(("/fleet", "fleet-id"), ((string)message["fleet"]!["path"]!, (string)message["fleet"]!["id"]!)));
        Assert.Equal(told.Length, told.Select(message => (string)message["id"]!).Distinct().Count());
        Assert.Empty(_failures);
    }

    [Fact]
    public void What_the_process_before_has_told_is_not_told_again()
    {
        FleetStatus before = new(DateTimeOffset.UtcNow, [new("a", MemberState.Finished, ""), new("b", MemberState.Running, "")], [new("gpu01", false, "is full", 0)]);
        using (FleetNotifications notifications = Open(before))
        {
            notifications.Take(new MemberStatus("a", MemberState.Finished, ""));
            notifications.Take(new MemberStatus("b", MemberState.Finished, ""));
            notifications.Take(new HostStatus("gpu01", false, "is full", 0));
        }

        Assert.Equal("b", (string)JsonNode.Parse(Assert.Single(_webhook.Requests).Body)!["run"]!["name"]!);
    }

    [Fact]
    public void One_that_can_t_be_told_is_named_and_holds_up_nothing()
    {
        using WebhookStub refusing = new((_, _) => 403);
        using (FleetNotifications notifications = new([NotificationTarget.Parse(refusing.Address)], "/fleet", "fleet-id", null, _failures.Add, TimeProvider.System))
            notifications.TakeEnd("stopped", "The fleet was stopped.");

        Assert.StartsWith("'stopped' could not be told to the webhook at http://127.0.0.1:", Assert.Single(_failures), StringComparison.Ordinal);
    }

    private FleetNotifications Open(FleetStatus? before) => new([NotificationTarget.Parse(_webhook.Address)], "/fleet", "fleet-id", before, _failures.Add, TimeProvider.System);
}
