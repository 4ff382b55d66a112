# Makes one package of a built module for Linux and Windows: host/linux-x64 and host/win-x64 have the executable with .NET in it, since a machine
# with PowerShell alone has no .NET that another program could use. libtorch is not in it (docs/decisions/package.md).
param(
    [Parameter(Mandatory)] [string] $ModulePath,
    [Parameter(Mandatory)] [string] $OutputPath,
    [string] $Configuration = 'Release'
)
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
$work = Join-Path $root artifacts/package
$module = Join-Path $work RobustTrain
if (Test-Path $module) { Remove-Item $module -Recurse }
$null = New-Item -ItemType Directory $module, $OutputPath -Force
Get-ChildItem $ModulePath -Exclude host, bin | Copy-Item -Recurse -Destination $module

# Not compiled ahead: neither system loads what was compiled for the other one.
dotnet publish (Join-Path $root src/RobustTrain.Cmdlets) -c $Configuration -p:PublishReadyToRun=false -p:ModulePath=$module `
    --artifacts-path (Join-Path $work build/cmdlets) -v quiet -nologo
if ($LASTEXITCODE -ne 0) { throw "dotnet publish of the cmdlets ended with exit code $LASTEXITCODE." }
foreach ($runtime in 'linux-x64', 'win-x64') {
    dotnet publish (Join-Path $root src/RobustTrain.Host) -c $Configuration -r $runtime --self-contained -p:TorchRuntime=$runtime `
        -p:TorchSharpPackage=TorchSharp-cpu -p:LibTorchBeside=false --artifacts-path (Join-Path $work "build/$runtime") -v quiet -nologo -o (Join-Path $module host $runtime)
    if ($LASTEXITCODE -ne 0) { throw "dotnet publish for $runtime ended with exit code $LASTEXITCODE." }
    # Behind the other, whose files of .NET it shares; ASP.NET Core's come along.
    dotnet publish (Join-Path $root src/RobustTrain.Dashboard) -c $Configuration -r $runtime --self-contained `
        --artifacts-path (Join-Path $work "build/$runtime") -v quiet -nologo -o (Join-Path $module host $runtime)
    if ($LASTEXITCODE -ne 0) { throw "dotnet publish of the page for $runtime ended with exit code $LASTEXITCODE." }
}

# What nobody reads of a package: symbols and the API's comments.
Get-ChildItem $module -Recurse -File -Include *.pdb, RobustTrain.*.xml, robusttrain.xml, robusttrain-dashboard.xml -Exclude *-Help.xml | Where-Object Extension -in .pdb, .xml | Remove-Item

# What is packed has to load, and to have its help.
pwsh -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; Import-Module '$module'; if (-not (Get-Help Start-Training -Full).Examples) { throw 'The package has no help.' }"
if ($LASTEXITCODE -ne 0) { throw 'The module to be packed is not whole; see the message above.' }
Compress-PSResource -Path $module -DestinationPath $OutputPath
