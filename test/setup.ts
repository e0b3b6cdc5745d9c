// Tests never read the developer's own git configuration, home or settings.
process.env['GIT_CONFIG_GLOBAL'] = '/dev/null'
process.env['GIT_CONFIG_NOSYSTEM'] = '1'
for (const name of Object.keys(process.env))
  if (name.startsWith('SINGULARITY_') && name !== 'SINGULARITY_CRASH_FULL') delete process.env[name]
