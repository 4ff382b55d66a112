namespace RobustTrain.Tests.Host;

/// <summary>Hosts that are this machine by other names: what stands in for ssh runs here what it is asked to run there, and refuses, or says nothing, where a host is away.</summary>
internal sealed class StandInHosts
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private readonly string _folder;

    public StandInHosts(string folder)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        string ssh = Path.Combine(_folder, "ssh");
        File.WriteAllText(ssh, $$"""
            #!/bin/sh
            while :; do
              case $1 in
                --) shift; break ;;
                -o) shift 2 ;;
                -*) shift ;;
                *) break ;;
              esac
            done
            host=$1
            shift
            : >"{{_folder}}/$host.asked"
            if [ -e "{{_folder}}/$host.cut" ]; then
              echo "ssh: connect to host $host port 22: Connection timed out" >&2
              exit 255
            fi
            [ ! -e "{{_folder}}/$host.silent" ] || exec sleep 3600
            exec sh -c "$*"

            """);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Variables = new Dictionary<string, string?> { ["ROBUSTTRAIN_SSH"] = ssh };
    }

    /// <summary>What the launcher's environment has.</summary>
    public IReadOnlyDictionary<string, string?> Variables { get; }

    /// <summary>Lets hosts be away: a connection is refused as one that timed out.</summary>
    public void Cut(params string[] hosts) => Array.ForEach(hosts, host => File.WriteAllText(PathOf(host, "cut"), ""));

    /// <summary>Lets a host take connections and say nothing.</summary>
    public void Silence(string host) => File.WriteAllText(PathOf(host, "silent"), "");

    /// <summary>Lets a host be there again.</summary>
    public void Restore(string host) => File.Delete(PathOf(host, "cut"));

    /// <summary>Waits until a host has been connected to.</summary>
    public async Task Asked(string host)
    {
        for (DateTime limit = DateTime.UtcNow + s_limit; !File.Exists(PathOf(host, "asked")); await Task.Delay(20))
            Assert.True(DateTime.UtcNow < limit, $"{host} was never connected to.");
    }

    private string PathOf(string host, string what) => Path.Combine(_folder, $"{host}.{what}");
}
