using System.Runtime.CompilerServices;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Host.Commands;
using RobustTrain.Host.Limits;

namespace RobustTrain.Host;

/// <summary>The executable <c>robusttrain</c>.</summary>
internal static class Program
{
    private const int LimitTooLow = 2;

    // Nothing but the check may stand here: whatever else a method names is loaded before it begins.
    private static int Main(string[] args) => DescriptorFloor.IsReached() ? Run(args) : LimitTooLow;

    // A worker has to be there within tens of milliseconds, so nothing of the command line is loaded for it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run(string[] args) => args switch
    {
        [WorkerCommand.Verb] => LoaderWorkerProcess.Run(),
        [WorkerCommand.StackVerb, var process, var thread] => ThreadStackProcess.Run(process, thread),
        [DashboardCommand.Verb, .. var rest] => DashboardCommand.Run(rest),
        _ => RunCommand(args),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunCommand(string[] args) => RobustTrainCommand.Run(args);
}
