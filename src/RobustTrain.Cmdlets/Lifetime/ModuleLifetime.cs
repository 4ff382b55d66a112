using System.Management.Automation;
using RobustTrain.Cmdlets.Processes;

namespace RobustTrain.Cmdlets.Lifetime;

/// <summary>Ties the module to the runspace that imports it, and ends what that runspace has running when the module is removed.</summary>
public sealed class ModuleLifetime : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnImport()
    {
        RunspaceLifetime.OfCurrentRunspace();
        HostExecutable.MakeOwnExecutable();
    }

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => RunspaceLifetime.OfCurrentRunspace().End();
}
