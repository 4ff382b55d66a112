using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Joining;
using RobustTrain.Training.Distributed.Liveness;

namespace RobustTrain.Host.Launching;

/// <summary>The program that starts ranks, of MPICH's kind: Hydra, and on Windows Microsoft's.</summary>
/// <param name="Path">Where it lies.</param>
internal sealed record MpiExec(string Path)
{
    /// <summary>The environment variable that names another one.</summary>
    public const string Variable = "ROBUSTTRAIN_MPIEXEC";

    /// <summary>The environment variable that names a program that is called in place of ssh.</summary>
    public const string SshVariable = "ROBUSTTRAIN_SSH";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    // Hydra kills all ranks, and that at any moment, when one of them ends without having said so to MPI. This shell stands between: one whose
    // rank was killed ends with all others, so that these have the time to end in order.
    private const string Holder = """
        "$0" "$@"
        code=$?
        [ $code -lt 128 ] || sleep 300
        exit $code
        """;

    // mpiexec ends all ranks at once where nobody takes what it writes; where this process is killed, these take it in its place.
    private const string Drain = """
        { "$0" "$@" 2>&1 >&3 3>&- | { cat >&2; cat >/dev/null; }; } 3>&1 | { cat; cat >/dev/null; }
        """;

    /// <summary>Finds it.</summary>
    /// <exception cref="RunException">There is none, or one of another kind.</exception>
    public static MpiExec Find()
    {
        string? asked = Environment.GetEnvironmentVariable(Variable);
        string path = !string.IsNullOrEmpty(asked) ? asked
            : new[] { "mpiexec.mpich", "mpiexec.hydra", "mpiexec" }.Select(ChildProcess.FindProgram).FirstOrDefault(found => found is not null)
            ?? throw new RunException(
                ExitCode.Configuration, "MpiNotFound",
                $"Several ranks are started by mpiexec, which is not on the path: install {(OperatingSystem.IsWindows() ? "Microsoft MPI" : "MPICH (Debian: apt-get install mpich)")} on each host, or name another one by {Variable}.");
        if (OperatingSystem.IsWindows())
            return new MpiExec(path);
        string version = Ask(path);
        if (version.Contains("HYDRA", StringComparison.OrdinalIgnoreCase) || version.Contains("Intel(R) MPI", StringComparison.Ordinal))
            return new MpiExec(path);
        string kind = version.Contains("open-mpi", StringComparison.OrdinalIgnoreCase) || version.Contains("OpenRTE", StringComparison.Ordinal) || version.Contains("Open MPI", StringComparison.Ordinal)
            ? "is Open MPI's"
            : $"says of itself '{version.Split('\n')[0].Trim()}'";
        throw new RunException(
            ExitCode.Configuration, "MpiLauncherNotUsable",
            $"'{path}' {kind}, but the ranks are joined by MPICH's kind of MPI: install it (Debian: apt-get install mpich), or name its mpiexec by {Variable}.", path);
    }

    /// <summary>How to start ranks.</summary>
    /// <param name="placement">Where.</param>
    /// <param name="isLocal">Whether this machine is the only host.</param>
    /// <param name="hub">Watches over them.</param>
    /// <param name="program">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    public ProcessStartInfo StartInfo(RankPlacement placement, bool isLocal, RankHub hub, string program, IEnumerable<string> arguments)
    {
        List<string> all = [];
        if (OperatingSystem.IsWindows())
        {
            all.AddRange(["-n", Number(placement.Size), program, .. arguments]);
        }
        else
        {
            all.Add("-disable-auto-cleanup");
            if (!isLocal)
                all.AddRange(["-launcher", "ssh", "-launcher-exec", SshProgram, "-hosts", string.Join(',', placement.Hosts.Select(host => $"{host.Host}:{Number(host.Ranks)}"))]);
            all.AddRange(["-n", Number(placement.Size), "/bin/sh", "-c", Holder, program, .. arguments]);
        }

        ProcessStartInfo start = OperatingSystem.IsWindows() ? new ProcessStartInfo(Path, all) : SessionLeader.StartInfo("/bin/sh", ["-c", Drain, Path, .. all]);
        start.RedirectStandardOutput = true;

        // By the environment and not by arguments, which every user of a host sees.
        start.Environment[RankEnvironment.HubVariable] = string.Join(',', hub.Addresses);
        start.Environment[RankEnvironment.TokenVariable] = hub.Token;
        start.Environment[RankEnvironment.HostsVariable] = string.Join(',', placement.HostOfRank.Prepend(Environment.MachineName));
        return start;
    }

    /// <summary>Checks that ranks can be started: their number, mpiexec, and each host.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="shards">The shards of a batch.</param>
    /// <param name="stopping">Ends the check; hosts that have not answered by then are passed over.</param>
    /// <returns>What starts them.</returns>
    /// <exception cref="RunException">They can't.</exception>
    public static MpiExec Check(RankRequest ranks, int shards, CancellationToken stopping)
    {
        ranks.Check();
        Ranks.Check(shards, ranks.Total);
        MpiExec mpiexec = Find();
        RunException? unusable = mpiexec.CheckHosts(ranks.Hosts, s_patience, stopping).FirstOrDefault(failure => failure is not null);
        return unusable is null || stopping.IsCancellationRequested ? mpiexec : throw unusable;
    }

    /// <summary>The same where ranks are asked for.</summary>
    public static void CheckAny(RankRequest ranks, int shards)
    {
        ranks.Check();
        if (ranks.IsGiven)
            Check(ranks, shards, CancellationToken.None);
    }

    /// <summary>Checks that ranks can be started on hosts: over ssh, with this program and MPI in the same places.</summary>
    /// <param name="hosts">The hosts.</param>
    /// <param name="patience">How long a host may take until it takes a connection; and so long again until it answers.</param>
    /// <param name="stopping">Ends the check; hosts that have not answered by then count as unusable.</param>
    /// <returns>Why each that can't be used can't; null for the others.</returns>
    public RunException?[] CheckHosts(IReadOnlyList<string> hosts, TimeSpan patience, CancellationToken stopping)
    {
        if (OperatingSystem.IsWindows() && hosts.Count > 0)
            throw new RunException(ExitCode.Configuration, "HostsNotUsable", "--hosts is for Linux: Microsoft's mpiexec starts nothing over ssh; --ranks alone starts ranks on this machine.");
        RunException?[] failures = new RunException?[hosts.Count];
        Thread[] checks = [.. hosts.Select((host, index) => new Thread(() => failures[index] = IsThisMachine(host) ? null : Check(host, Environment.ProcessPath!, patience, stopping)) { IsBackground = true })];
        Array.ForEach(checks, check => check.Start());
        Array.ForEach(checks, check => check.Join());
        return failures;
    }

    private static string SshProgram => Environment.GetEnvironmentVariable(SshVariable) is { Length: > 0 } named ? named : "ssh";

    private RunException? Check(string host, string program, TimeSpan patience, CancellationToken stopping)
    {
        string proxy = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "/usr/bin", "hydra_pmi_proxy");
        SshOptions ssh = new() { Program = SshProgram };
        using ChildGuard guard = new();
        try
        {
            using ChildProcess connection = ChildProcess.Start(new ProcessStartInfo(ssh.Program, ssh.Arguments(host, patience)) { RedirectStandardOutput = true }, guard);
            connection.TryWriteLine($"test -x {Quoted(program)} || exit 61; test -x {Quoted(proxy)} || exit 62; exit 60");
            connection.CutLifeLine();
            int? code = null;
            for (long began = Stopwatch.GetTimestamp(); code is null && Stopwatch.GetElapsedTime(began) < 2 * patience && !stopping.IsCancellationRequested;)
                code = connection.WaitForExit(s_look);
            return code switch
            {
                60 => null,
                61 => new RunException(ExitCode.Configuration, "HostLacksProgram", $"{host} has no '{program}': each host needs robusttrain at the same path.", host),
                62 => new RunException(ExitCode.Configuration, "HostLacksMpi", $"{host} has no '{proxy}': each host needs the same MPI as this one (Debian: apt-get install mpich).", host),
                null => new RunException(ExitCode.Configuration, "ConnectionTimedOut", $"{host} did not answer in time.", host),
                { } failed => Refusal(SshFailure.From(host, connection.LastErrorLines(patience), failed, SshHostNames.Read(SshOptions.OperatorConfigPath)), host),
            };
        }
        catch (Exception failure) when (failure is MonitorException or Win32Exception)
        {
            return Refusal(failure, host);
        }
    }

    private static RunException Refusal(Exception failure, string host) =>
        new(ExitCode.Configuration, (failure as MonitorException)?.ErrorId ?? "SshFailed", failure.Message, host, failure);

    private static bool IsThisMachine(string host)
    {
        if (host is "localhost" || string.Equals(host, Environment.MachineName, StringComparison.OrdinalIgnoreCase))
            return true;
        try
        {
            HashSet<IPAddress> own = [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(network => network.GetIPProperties().UnicastAddresses).Select(address => address.Address)];
            return Dns.GetHostAddresses(host).Any(own.Contains);
        }
        catch (SocketException)
        {
            // An alias of the operator's ssh configuration, or no host at all.
            return false;
        }
    }

    private static string Ask(string path)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(path, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            return process.StandardOutput.ReadToEnd();
        }
        catch (Win32Exception failure)
        {
            throw new RunException(ExitCode.Configuration, "MpiNotFound", $"'{path}' can't be started: {failure.Message}", path, failure);
        }
    }

    private static string Quoted(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
