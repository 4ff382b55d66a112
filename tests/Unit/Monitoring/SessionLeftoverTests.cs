using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;

namespace RobustTrain.Tests.Monitoring;

/// <summary>Counts things of the whole process, and so runs when no other test does.</summary>
[CollectionDefinition(nameof(SessionLeftoverTests), DisableParallelization = true)]
[Collection(nameof(SessionLeftoverTests))]
public sealed class SessionLeftoverTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string folder = Directory.CreateTempSubdirectory("session").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [LinuxFact("It counts what is left in /proc.")]
    public void Ten_sessions_in_a_row_leave_threads_children_and_handles_where_they_were()
    {
        Cycle();
        int threads = Threads(), handles = Handles();
        for (int round = 0; round < 10; round++)
            Cycle();

        Assert.Equal(0, SshServer.Descendants(Environment.ProcessId).Count(child => NameOf($"/proc/{child}").Trim() is "ssh" or "nvidia-smi"));
        Assert.True(SpinWait.SpinUntil(() => Threads() <= threads && Handles() <= handles + 2, Patience), $"{threads} to {Threads()} threads, {handles} to {Handles()} handles");

        void Cycle()
        {
            using var session = new MonitorSession(new MonitorSessionOptions
            {
                GpuSource = GpuSourceSpec.Parse("simulated:4"),
                Sampling = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(20) },
                OutputPath = Path.Combine(folder, "cycle.ndjson"),
            });
            using var sampled = new ManualResetEventSlim();
            session.Written += _ => sampled.Set();
            session.Start();
            Assert.True(sampled.Wait(Patience));
            Assert.True(session.Stop(Patience));
        }

        static int Threads() => Directory.GetDirectories("/proc/self/task").Count(task => NameOf(task).StartsWith("RobustTrain", StringComparison.Ordinal));
        static int Handles() => Directory.GetFiles("/proc/self/fd").Count(fd => TargetOf(fd).Contains("/proc/", StringComparison.Ordinal));

        // Other threads close their files between the listing and the look.
        static string TargetOf(string fd)
        {
            try
            {
                return File.ResolveLinkTarget(fd, false)?.FullName ?? "";
            }
            catch (IOException)
            {
                return "";
            }
        }
    }

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm"));
        }
        catch (IOException)
        {
            // It ended between the listing and the reading.
            return "";
        }
    }
}
