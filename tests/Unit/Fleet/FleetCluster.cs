using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Fleet.State;

namespace RobustTrain.Tests.Fleet;

/// <summary>Hosts on this machine, in namespaces of processes and of the network whose end ends everything in them.</summary>
internal abstract class FleetCluster : IDisposable
{
    // $1: the folder. What follows "ready" are commands from standard input, each answered by its output and a line with its exit code.
    private const string Frame = """
        cd "$1" || exit 1
        ip link set lo up
        ip link add lan type bridge && ip addr add 10.77.0.1/24 dev lan && ip link set lan up || exit 1
        {0}
        echo ready
        while IFS= read -r command; do
          eval "$command" </dev/null
          echo "= $?"
        done
        """;

    private readonly Process _shell;

    protected FleetCluster(string folder, string script)
    {
        Folder = folder;
        _shell = Process.Start(new ProcessStartInfo("unshare", ["--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", Frame.Replace("{0}", script, StringComparison.Ordinal), "cluster", folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_ROOT"] = DotNetRoot },
        })!;
        string? line;
        do
            line = _shell.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The cluster could not be made.");
        while (line != "ready");
    }

    /// <summary>Where the runtime of these tests is, for programs whose environment does not say it.</summary>
    public static string DotNetRoot { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    public string Folder { get; }

    /// <summary>How <c>robusttrain fleet run</c> is told of these hosts.</summary>
    public abstract string Options { get; }

    /// <summary>The host on which a start lives.</summary>
    public abstract string HostOf(FleetStart start);

    /// <summary>Pulls a host's plug, with all that is on it.</summary>
    public abstract void Unplug(string host);

    /// <summary>Runs a line of bash where the fleet runs.</summary>
    /// <returns>Its exit code and its output.</returns>
    public (int Code, string Output) Do(string command)
    {
        _shell.StandardInput.WriteLine(command);
        _shell.StandardInput.Flush();
        List<string> output = [];
        while (_shell.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith("= ", StringComparison.Ordinal))
                return (int.Parse(line[2..], CultureInfo.InvariantCulture), string.Join('\n', output));
            output.Add(line);
        }

        throw new InvalidOperationException("The cluster has ended.");
    }

    public void Dispose()
    {
        _shell.Kill();
        _shell.WaitForExit();
        _shell.Dispose();
    }
}
