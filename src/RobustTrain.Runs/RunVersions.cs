using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace RobustTrain.Runs;

/// <summary>What the run's numbers depend on beside its configuration.</summary>
/// <param name="RobustTrain">The version of this program.</param>
/// <param name="LibTorch">The version of libtorch; null where the process has not loaded it.</param>
/// <param name="DotNet">The version of the .NET runtime.</param>
/// <param name="Os">The operating system and its architecture.</param>
public sealed record RunVersions(
    [property: JsonPropertyName("robusttrain")] string RobustTrain,
    [property: JsonPropertyName("libtorch")] string? LibTorch,
    [property: JsonPropertyName("dotnet")] string DotNet,
    string Os)
{
    /// <summary>The versions of this process.</summary>
    /// <param name="libTorch">The version of the libtorch that it has loaded.</param>
    public static RunVersions Current(string? libTorch = null) => new(
        typeof(RunVersions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        libTorch,
        Environment.Version.ToString(),
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()})");
}
