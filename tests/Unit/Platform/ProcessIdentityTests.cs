using System.Diagnostics;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Platform;

public sealed class ProcessIdentityTests
{
    [Fact]
    public void This_process_lives() => Assert.True(ProcessIdentity.Current.IsAlive());

    [Fact]
    public void A_process_that_has_ended_is_not_taken_for_a_live_one()
    {
        using Process process = Process.Start(new ProcessStartInfo(OperatingSystem.IsWindows() ? "hostname.exe" : "true") { RedirectStandardOutput = true })!;
        int processId = process.Id;
        process.WaitForExit();

        Assert.False((ProcessIdentity.Current with { ProcessId = processId }).IsAlive());
    }

    [Fact]
    public void Another_process_with_the_same_id_is_not_the_same_process() =>
        Assert.False((ProcessIdentity.Current with { Start = "another boot/12" }).IsAlive());

    [Fact]
    public void Nothing_is_claimed_of_another_machine() =>
        Assert.Null((ProcessIdentity.Current with { Host = "some-other-machine" }).IsAlive());
}
