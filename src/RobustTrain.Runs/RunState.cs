using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>How a run, or one attempt at it, stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
public enum RunState
{
    /// <summary>A process works on it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>All epochs and the test are done.</summary>
    [JsonStringEnumMemberName("finished")]
    Finished,

    /// <summary>Stopped on request with a checkpoint; started again it goes on.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>Ended by an error, which the record names.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Its process is gone without a word: killed, crashed, or the machine went down. Started again it goes on.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,
}

/// <summary>What is recorded of a run, held against what its process does.</summary>
internal static class RunStates
{
    /// <summary>The state as it is now: where the process is gone the run is not running, whatever was recorded.</summary>
    public static RunState Observed(this RunState recorded, ProcessIdentity process) =>
        recorded == RunState.Running && process.IsAlive() == false ? RunState.Interrupted : recorded;
}
